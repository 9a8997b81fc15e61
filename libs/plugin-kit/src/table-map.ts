/** The table map: what the tables of a connected database hold, how rows lead to a person, and what becomes of them. */
import { ConnectorError } from '@lethe/plugin-sdk';
import * as z from 'zod';
import { nationalPhonesSchema } from './phone-numbers.js';

const name = z.string().min(1).max(200);
const constant = z.union([z.null(), z.string(), z.number(), z.boolean()]);
const normalise = z.enum(['none', 'lower', 'digits', 'phone']);

const match = z.strictObject({
  column: name,
  identifier: name.describe('Identifier type the column carries, e.g. email, phone, shop-customer-id'),
  strength: z.enum(['identifying', 'candidate']),
  normalise: normalise
    .optional()
    .describe('Default: lower for email, phone for phone, otherwise none. A phone by digits: whole, without its +'),
  unique: z
    .boolean()
    .optional()
    .describe('A value belongs to one person only. Default: true, but not for email, phone'),
});

const reference = z.strictObject({
  column: name,
  to: z.strictObject({ dataset: name, column: name }),
  identifying: z.boolean().describe('The row leads to the person of the row it points at'),
});

const dataset = z.strictObject({
  name,
  table: name.describe('Table, or schema.table'),
  title: name,
  categories: z.array(name).default([]),
  key: name.describe('Primary key column'),
  person: z.boolean().default(false).describe('A row is a person'),
  match: z.array(match).default([]),
  refs: z.array(reference).default([]),
  shared: z.boolean().default(false).describe('A row may concern several people'),
  action: z.enum(['erase', 'anonymise', 'strip', 'detach', 'retain']),
  anonymise: z.record(name, constant).optional(),
  stripFields: z.array(name).default([]),
  detach: z.record(name, constant).optional(),
  clockField: name.optional().describe('Date a retention duty counts from'),
  fields: z.array(name).optional().describe('Columns to read; all when absent'),
  history: z
    .array(z.strictObject({ table: name, days: z.number().int().min(0).nullable() }))
    .default([])
    .describe('Tables that keep old versions of the rows, and for how long'),
});

/** Schema of the `tableMap` of a connection; its JSON Schema stands in the manifest of each SQL plugin. */
export const tableMapSchema = z.strictObject({
  datasets: z.array(dataset).min(1).max(500),
  ignoreValues: z.array(z.string()).default(['0']).describe('Placeholders that never lead to a person'),
  nationalPhones: nationalPhonesSchema.optional(),
  residueScan: z.boolean().default(true).describe('Search all text columns for the identifiers after an erasure'),
});

export type TableMap = z.infer<typeof tableMapSchema>;
export type MappedDataset = TableMap['datasets'][number];
export type Normalise = z.infer<typeof normalise>;
export type Constant = z.infer<typeof constant>;

/** A column that carries an identifier, by a `match` or because it points at such a column of a person's row. */
export interface Carrier {
  column: string;
  type: string;
  strength: 'identifying' | 'candidate';
  unique: boolean;
  normalise: Normalise;
}

// A household shares an address and a telephone; account numbers are given to one person.
const SHAREABLE = new Set(['email', 'phone']);
const FOLDS: Record<string, Normalise> = { email: 'lower', phone: 'phone' };

function declared(entry: z.infer<typeof match>): Carrier {
  return {
    column: entry.column,
    type: entry.identifier,
    strength: entry.strength,
    unique: entry.unique ?? !SHAREABLE.has(entry.identifier),
    normalise: entry.normalise ?? FOLDS[entry.identifier] ?? 'none',
  };
}

/**
 * Columns of a dataset that carry identifiers: its matches, and identifying references at a column that is a unique
 * identifier. So an order is found by the customer number it holds even when the customer's row is already gone.
 */
export function carriersOf(map: TableMap, of: MappedDataset): Carrier[] {
  const own = of.match.map(declared);
  const implied = of.refs.flatMap((ref) => {
    const target = map.datasets.find((candidate) => candidate.name === ref.to.dataset);
    const behind = target?.match.map(declared).filter((entry) => entry.column === ref.to.column) ?? [];
    return behind
      .filter((entry) => ref.identifying && entry.unique && entry.strength === 'identifying')
      .filter((entry) => !own.some((known) => known.column === ref.column && known.type === entry.type))
      .map((entry): Carrier => ({ ...entry, column: ref.column }));
  });
  return [...own, ...implied];
}

/** Children before the rows they point at; datasets in a ring keep the order of the map. */
export function dependencyOrder(map: TableMap): MappedDataset[] {
  const done = new Set<string>();
  const order: MappedDataset[] = [];
  const visit = (current: MappedDataset): void => {
    if (done.has(current.name)) return;
    done.add(current.name);
    for (const child of map.datasets) if (child.refs.some((ref) => ref.to.dataset === current.name)) visit(child);
    order.push(current);
  };
  for (const current of map.datasets) visit(current);
  return order;
}

function invalid(code: string, where: string): never {
  throw new ConnectorError({ class: 'config', code }, `The table map is not usable (${code}) at ${where}.`);
}

/** Checks what a schema cannot: names are unique, references lead somewhere, actions say what they need. */
export function parseTableMap(value: unknown): TableMap {
  const parsed = tableMapSchema.safeParse(value);
  if (!parsed.success) invalid('table-map-invalid', parsed.error.issues[0]?.path.join('/') ?? '');
  const names = new Set(parsed.data.datasets.map((entry) => entry.name));
  if (names.size !== parsed.data.datasets.length) invalid('dataset-repeated', 'datasets');
  for (const entry of parsed.data.datasets) {
    if (entry.refs.some((ref) => !names.has(ref.to.dataset))) invalid('reference-unknown', entry.name);
    if (entry.action === 'anonymise' && !entry.anonymise) invalid('anonymise-missing', entry.name);
    if (entry.action === 'strip' && entry.stripFields.length === 0) invalid('strip-fields-missing', entry.name);
    if (entry.action === 'detach' && !entry.detach) invalid('detach-missing', entry.name);
    const set = [...Object.keys(entry.anonymise ?? {}), ...Object.keys(entry.detach ?? {}), ...entry.stripFields];
    if (set.includes(entry.key)) invalid('key-not-changeable', entry.name);
  }
  return parsed.data;
}
