/** The door for answers of a plugin: one schema an operation. What does not fit is the plugin's bug, never a guess. */
import type {
  Check,
  DataRecord,
  Dataset,
  Hit,
  Horizon,
  Json,
  Located,
  Obeyed,
  Outcome,
  PluginOp,
  Verification,
} from '@lethe/plugin-sdk';
import { z } from 'zod';
import { fail, failCode, isPlainJson, json } from '../process/plugin-frame.js';
import { hostFailure } from '../plugin.errors.js';

/** What each operation answers, item by item. */
export interface PluginAnswers {
  check: Check;
  datasets: Dataset;
  locate: Located;
  read: DataRecord;
  apply: Outcome;
  verify: Verification;
  horizon: Horizon;
  scan: Hit;
  poll: Outcome;
  obey: Obeyed;
  migrate: { config: Record<string, Json> };
}

/** Text that PostgreSQL and canonical JSON can hold: no NUL, no lone surrogate. */
const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine((value) => !value.includes('\0') && value.isWellFormed());
const name = text(256).min(1);
const ref = text(2048).min(1);
const count = z.int().min(0);
const day = z.iso.date();
const instant = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);
const itemKey = text(256).min(1);
const at = { itemKey, dataset: name };

const dataset: z.ZodType<Dataset> = z.object({
  name,
  title: text(256),
  categories: z.array(name).max(100),
  fields: z
    .array(
      z.object({
        name,
        personal: z.boolean(),
        identifier: z.object({ type: name, strength: z.enum(['identifying', 'candidate']) }).exactOptional(),
      }),
    )
    .max(2000),
  refs: z
    .array(z.object({ field: name, to: z.object({ dataset: name, field: name }), identifying: z.boolean() }))
    .max(500),
  shared: z.boolean(),
  action: z.enum(['erase', 'anonymise', 'strip', 'detach', 'retain']),
  clockField: name.exactOptional(),
  stripFields: z.array(name).max(2000),
  schemaHash: name,
});

const located: z.ZodType<Located> = z.object({
  ...at,
  ref,
  count,
  sharedWith: z.enum(['others', 'unknown']).exactOptional(),
  found: z
    .array(z.object({ type: name, value: text(1024).min(1), strength: z.enum(['identifying', 'candidate']) }))
    .max(1000)
    .exactOptional(),
  startsOn: day.exactOptional(),
  // It stands open in the plan, and so in the ledger.
  blockedBy: failCode.exactOptional(),
  blockedMessage: text(500).exactOptional(),
});

const outcomeOf = { ...at, ref: ref.exactOptional(), count, note: text(500).exactOptional() };
const done = [
  'erased',
  'anonymised',
  'masked',
  'rectified',
  'restricted',
  'soft-deleted',
  'not-found',
  'unsupported',
] as const;

const outcome: z.ZodType<Outcome> = z.discriminatedUnion('kind', [
  z.object({ ...outcomeOf, kind: z.enum(done) }),
  z.object({ ...outcomeOf, kind: z.literal('detached') }),
  z.object({
    ...outcomeOf,
    kind: z.literal('retained'),
    ruleId: name,
    stripped: z.array(name).max(2000).exactOptional(),
  }),
  z.object({ ...outcomeOf, kind: z.literal('refused-by-system'), message: text(500), until: instant.exactOptional() }),
  z.object({
    ...outcomeOf,
    kind: z.literal('pending'),
    handle: json,
    pollAfterMs: z.int().min(0),
    mustFinishBy: instant,
  }),
  z.object({ ...outcomeOf, kind: z.literal('failed'), retryable: z.boolean(), error: fail }),
]);

const verification: z.ZodType<Verification> = z.discriminatedUnion('kind', [
  z.object({ ...at, kind: z.literal('clean') }),
  z.object({
    ...at,
    kind: z.literal('residue'),
    ref,
    by: z.enum(['reference', 'identifier', 'scan']),
    field: name.exactOptional(),
  }),
]);

const check: z.ZodType<Check> = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), account: text(500), warnings: z.array(text(500)).max(100).exactOptional() }),
  z.object({ ok: z.literal(false), error: fail, message: text(500) }),
]);

const record: z.ZodType<DataRecord> = z.object({ ...at, ref, fields: z.record(z.string(), json) });

const horizon: z.ZodType<Horizon> = z.object({
  dataset: name,
  layer: z.enum(['history', 'time-travel', 'backup', 'log']),
  until: instant.nullable(),
  note: text(500).exactOptional(),
});

const hit: z.ZodType<Hit> = z.object({ dataset: name, ref, startsOn: day });

const migrated: z.ZodType<{ config: Record<string, Json> }> = z.object({ config: z.record(z.string().max(200), json) });

const obeyed: z.ZodType<Obeyed> = z.object({ itemKey, kind: z.enum(['obeyed', 'not-found']) });

const schemas: { [Operation in PluginOp]: z.ZodType<PluginAnswers[Operation]> } = {
  check,
  datasets: dataset,
  locate: located,
  read: record,
  apply: outcome,
  verify: verification,
  horizon,
  scan: hit,
  poll: outcome,
  obey: obeyed,
  migrate: migrated,
};

/** Members that hold a plugin's own words; they pass the redactor. */
const WORDS = new Set(['message', 'note', 'account', 'blockedMessage']);

/**
 * An answer in its type; members the contract does not have are left out. Throws `PluginFailure` `invalid-answer`
 * with the place, never the value, of what is wrong.
 */
export function readAnswer<Operation extends PluginOp>(
  op: Operation,
  value: Json,
  plugin: string,
  redact: (text: string) => string,
): PluginAnswers[Operation] {
  if (!isPlainJson(value)) throw hostFailure('invalid-answer', plugin, 'a forbidden member name, or nested too deep');
  const parsed = schemas[op].safeParse(value);
  if (parsed.success) return clean(parsed.data, redact);
  const issue = parsed.error.issues[0];
  throw hostFailure('invalid-answer', plugin, `${op}: ${issue?.path.join('.') ?? ''} ${issue?.code ?? ''}`.trim());
}

function clean<Answer extends object>(answer: Answer, redact: (text: string) => string): Answer {
  const words = Object.entries(answer).filter(([key, value]) => WORDS.has(key) && typeof value === 'string');
  if (words.length === 0) return answer;
  return { ...answer, ...Object.fromEntries(words.map(([key, value]) => [key, redact(value as string)])) };
}
