/** `locate` and `read`: what of a person is there, and what it says. Never writes, never hands out another's record. */
import type { DataRecord, Item, Located } from '@lethe/plugin-sdk';
import type { MappedTables } from './mapped-tables.js';
import { carriedBy, findPerson, rowName, type FoundRow, type PersonRows } from './person-search.js';

/** A shared row names somebody else, or rows of others hang from it. */
export async function sharedWith(
  tables: MappedTables,
  row: FoundRow,
  person: PersonRows,
  ids: Item['ids'],
): Promise<Located['sharedWith']> {
  if (!row.dataset.shared) return undefined;
  if (strangersIn(tables, row, person, ids).length > 0) return 'others';
  let judged = tables.table(row.dataset.name).carriers.length > 1;
  for (const dataset of tables.map.datasets) {
    for (const ref of dataset.refs.filter((entry) => entry.to.dataset === row.dataset.name)) {
      const value = row.values[ref.to.column];
      if (value === null || value === undefined) continue;
      judged = true;
      const pointing = await tables.rowsBy(dataset.name, ref.column, [value]);
      if (pointing.some((entry) => person.rows.get(rowName(entry))?.standing !== 'clear')) return 'others';
    }
  }
  return judged ? undefined : 'unknown';
}

/** Columns of a row that lead to somebody else than the person. */
export function strangersIn(tables: MappedTables, row: FoundRow, person: PersonRows, ids: Item['ids']): string[] {
  const carried = carriedBy(tables, row);
  const ours = (type: string, value: string): boolean =>
    (person.pins.get(type)?.has(value) ?? false) ||
    ids.some((id) => id.type === type && id.value.toLowerCase() === value.toLowerCase());
  const byReference = row.dataset.refs.filter((ref) => {
    const value = row.values[ref.column];
    const target = tables.table(ref.to.dataset).dataset;
    if (!target.person || value === null || value === undefined) return false;
    const own = [...person.rows.values()].some(
      (entry) => entry.dataset === target && entry.standing === 'clear' && entry.values[ref.to.column] === value,
    );
    return !own && !carried.some((entry) => entry.carrier.column === ref.column && ours(entry.type, entry.value));
  });
  const carriers = carried.filter(
    (entry) =>
      !ours(entry.type, entry.value) &&
      !carried.some(
        (other) => other !== entry && other.carrier.column === entry.carrier.column && ours(other.type, other.value),
      ),
  );
  return [...new Set([...byReference.map((ref) => ref.column), ...carriers.map((entry) => entry.carrier.column)])];
}

/** Every row that leads to the person, with what it carries and why it may not be touched. */
export async function locateItem(tables: MappedTables, item: Item): Promise<Located[]> {
  const person = await findPerson(tables, item.ids);
  const located: Located[] = [];
  for (const row of person.rows.values()) {
    const shared = await sharedWith(tables, row, person, item.ids);
    const strangers = shared ? strangersIn(tables, row, person, item.ids) : [];
    // What a doubtful or shared row carries may be another's: an officer sees it, nothing follows it.
    const found = carriedBy(tables, row)
      .filter((entry) => !strangers.includes(entry.carrier.column))
      .map(({ type, value, carrier }) => ({
        type,
        value,
        strength: row.standing === 'clear' && !row.dataset.shared ? carrier.strength : ('candidate' as const),
      }));
    located.push({
      itemKey: item.itemKey,
      dataset: row.dataset.name,
      ref: row.ref,
      count: 1,
      ...(found.length > 0 ? { found } : {}),
      ...(shared ? { sharedWith: shared } : {}),
      ...(row.startsOn ? { startsOn: row.startsOn } : {}),
      ...(row.standing === 'clear' ? {} : { blockedBy: row.standing }),
    });
  }
  return located;
}

/** The records themselves; a row that no longer leads to the person is left out, so are others' values in a shared one. */
export async function readItem(tables: MappedTables, item: Item, at: Located[]): Promise<DataRecord[]> {
  const person = await findPerson(tables, item.ids);
  const records: DataRecord[] = [];
  for (const dataset of tables.map.datasets) {
    const own = at
      .filter((entry) => entry.itemKey === item.itemKey && entry.dataset === dataset.name)
      .filter((entry) => person.rows.get(rowName({ dataset, ref: entry.ref }))?.standing === 'clear');
    const table = tables.table(dataset.name);
    const columns = dataset.fields ?? table.columns.map((column) => column.name);
    const rows = await tables.byRef(
      dataset.name,
      own.map((entry) => entry.ref),
      columns,
    );
    for (const [ref, [fields]] of rows) {
      const row = person.rows.get(rowName({ dataset, ref }));
      if (!fields || !row) continue;
      const hidden = dataset.shared ? strangersIn(tables, row, person, item.ids) : [];
      const visible = Object.entries(fields).filter(([name]) => !hidden.includes(name));
      records.push({ itemKey: item.itemKey, dataset: dataset.name, ref, fields: Object.fromEntries(visible) });
    }
  }
  return records;
}
