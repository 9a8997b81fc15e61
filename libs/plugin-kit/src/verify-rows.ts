/** `verify`: reads again after an erasure, by reference, by identifier and by a scan of all text. */
import type { Item, Target, Verification } from '@lethe/plugin-sdk';
import { holding } from './change-rows.js';
import { fold, identifierName, isPlaceholder } from './identifier-values.js';
import type { MappedTable, MappedTables } from './mapped-tables.js';
import { findPerson, rowName, type PersonRows } from './person-search.js';
import { wholeValue } from './whole-value.js';

type Residue = Extract<Verification, { kind: 'residue' }>;
// A customer number of four digits stands in half of all texts.
const SHORTEST_SCANNED = 6;
const REPORTED_PER_COLUMN = 100;

/** One `clean` or the residues of each dataset for one person. */
export async function verifyItem(tables: MappedTables, item: Item, targets: Target[]): Promise<Verification[]> {
  const own = targets.filter((target) => target.itemKey === item.itemKey);
  const person = await findPerson(tables, item.ids);
  const verified: Verification[] = [];
  for (const { name } of tables.map.datasets) {
    const at = own.filter((target) => target.dataset === name);
    const table = tables.table(name);
    const residues = [...(await byReference(tables, table, item, at)), ...byIdentifier(person, table, item, at)];
    if (tables.map.residueScan) residues.push(...(await byScan(tables, table, item, at, person)));
    const unique = new Map(residues.map((entry) => [`${entry.ref} ${entry.field ?? ''}`, entry]));
    verified.push(
      ...(unique.size > 0 ? unique.values() : [{ itemKey: item.itemKey, dataset: name, kind: 'clean' as const }]),
    );
  }
  return verified;
}

async function byReference(tables: MappedTables, table: MappedTable, item: Item, at: Target[]): Promise<Residue[]> {
  const { dataset } = table;
  const base = { itemKey: item.itemKey, dataset: dataset.name, kind: 'residue' as const, by: 'reference' as const };
  const gone = at.filter((target) => target.action === 'erase' && !(dataset.shared && target.sharedWith));
  const still = await tables.byRef(
    dataset.name,
    gone.map((target) => target.ref),
    [],
  );
  const residues: Residue[] = [...still.keys()].map((ref) => ({ ...base, ref }));
  for (const target of at) {
    const fields =
      target.action === 'strip'
        ? (target.fields ?? dataset.stripFields)
        : target.action === 'anonymise'
          ? Object.keys(dataset.anonymise ?? {})
          : [];
    if (!(await tables.byRef(dataset.name, [target.ref], [])).has(target.ref)) continue;
    for (const field of fields) {
      const value = target.action === 'strip' ? null : (dataset.anonymise?.[field] ?? null);
      const held = await holding(tables, table, [target.ref], { [field]: value });
      if (!held.has(target.ref)) residues.push({ ...base, ref: target.ref, field });
    }
  }
  return residues;
}

/** Rows that still lead to the person and that nobody decided to keep. Doubtful rows were never decided about. */
function byIdentifier(person: PersonRows, table: MappedTable, item: Item, at: Target[]): Residue[] {
  const kept = new Set(
    at.filter((target) => target.action !== 'erase' && target.action !== 'detach').map((target) => target.ref),
  );
  return [...person.rows.values()]
    .filter((row) => row.dataset.name === table.dataset.name && row.standing === 'clear' && !kept.has(row.ref))
    .map((row) => ({
      itemKey: item.itemKey,
      dataset: row.dataset.name,
      kind: 'residue',
      ref: row.ref,
      by: 'identifier',
    }));
}

/** Values that are certainly the person's own and long enough not to be found by accident. */
function scanned(tables: MappedTables, item: Item, person: PersonRows): string[] {
  const carriers = tables.map.datasets.flatMap((entry) => tables.table(entry.name).carriers);
  return item.ids
    .filter(
      (id) =>
        !isPlaceholder(id.value, tables.map.ignoreValues) &&
        id.value.length >= SHORTEST_SCANNED &&
        !/\0|\p{Surrogate}/u.test(id.value),
    )
    .filter((id) => {
      const same = carriers.filter((carrier) => carrier.type === id.type);
      const doubtful = same.some((carrier) =>
        person.doubtful.has(identifierName({ type: id.type, value: fold(id.value, carrier.normalise) })),
      );
      return !doubtful && same.every((carrier) => carrier.strength === 'identifying');
    })
    .map((id) => id.value.toLowerCase());
}

async function byScan(
  tables: MappedTables,
  table: MappedTable,
  item: Item,
  at: Target[],
  person: PersonRows,
): Promise<Residue[]> {
  const values = scanned(tables, item, person);
  const retained = new Set(
    at.filter((target) => target.action === 'retain' || target.action === 'strip').map((target) => target.ref),
  );
  const residues: Residue[] = [];
  const quote = (name: string): string => tables.dialect.quote(name);
  // What stands in a mapped column was judged by the search: there it may be a twin's or a giver's own record.
  const judged = new Set([table.dataset.key, ...table.carriers.map((carrier) => carrier.column)]);
  for (const column of table.columns.filter((entry) => entry.family === 'text' || entry.family === 'other')) {
    if (values.length === 0 || judged.has(column.name)) continue;
    const text = `lower(CAST(${quote(column.name)} AS varchar))`;
    const parameter = (position: number): string => `CAST(${tables.dialect.parameter(position)} AS varchar)`;
    // The pattern is slow and decides; both engines have `regexp_replace`, and no other function of patterns in common.
    const hits = values.map(
      (_, index) =>
        `strpos(${text}, ${parameter(2 * index + 1)}) > 0 AND regexp_replace(${text}, ${parameter(2 * index + 2)}, '') <> ${text}`,
    );
    const sql = `SELECT CAST(${quote(table.dataset.key)} AS varchar) AS ref FROM ${tables.from(table)} WHERE ${hits.join(' OR ')} ORDER BY 1 LIMIT ${REPORTED_PER_COLUMN + retained.size}`;
    const parameters = values.flatMap((value) => [value, wholeValue(value)]);
    for (const row of await tables.session.all(sql, parameters)) {
      const ref = String(row['ref']);
      const standing = person.rows.get(rowName({ dataset: table.dataset, ref }))?.standing;
      if (retained.has(ref) || (standing !== undefined && standing !== 'clear')) continue;
      residues.push({
        itemKey: item.itemKey,
        dataset: table.dataset.name,
        kind: 'residue',
        ref,
        by: 'scan',
        field: column.name,
      });
    }
  }
  return residues;
}
