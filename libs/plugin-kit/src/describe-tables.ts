/** `check`, `datasets` and `horizon`: what the connection is, may do, and keeps after an erasure. */
import { createHash } from 'node:crypto';
import type { Check, Dataset, DatasetField, Horizon } from '@lethe/plugin-sdk';
import type { MappedTable, MappedTables } from './mapped-tables.js';

/** SHA-256 over names and types of the columns that are present, in the order of their names. */
export function schemaHash(table: MappedTable): string {
  const columns = table.columns
    .map((column) => [column.name, column.type])
    .sort(([left = ''], [right = '']) => (left < right ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(columns)).digest('hex');
}

function fieldOf(table: MappedTable, name: string): DatasetField {
  const { dataset, carriers } = table;
  const carrier = carriers.find((entry) => entry.column === name);
  const plain = name === dataset.key || name === dataset.clockField || dataset.refs.some((ref) => ref.column === name);
  return {
    name,
    personal: carrier !== undefined || !plain,
    ...(carrier ? { identifier: { type: carrier.type, strength: carrier.strength } } : {}),
  };
}

export function describeDatasets(tables: MappedTables): Dataset[] {
  return tables.map.datasets.map((dataset) => {
    const table = tables.table(dataset.name);
    const names = dataset.fields ?? table.columns.map((column) => column.name);
    return {
      name: dataset.name,
      title: dataset.title,
      categories: dataset.categories,
      fields: names.map((name) => fieldOf(table, name)),
      refs: dataset.refs.map((ref) => ({
        field: ref.column,
        to: { dataset: ref.to.dataset, field: ref.to.column },
        identifying: ref.identifying,
      })),
      shared: dataset.shared,
      action: dataset.action,
      ...(dataset.clockField ? { clockField: dataset.clockField } : {}),
      stripFields: dataset.stripFields,
      schemaHash: schemaHash(table),
    };
  });
}

/** Rights for each dataset: what cannot be read is an error, what cannot be changed as mapped a warning. */
export async function checkTables(tables: MappedTables): Promise<Check> {
  const warnings: string[] = [];
  for (const dataset of tables.map.datasets) {
    const rights = await tables.dialect.rights(tables.session, dataset.table);
    if (!rights.select) {
      const message = `The account may not read dataset ${dataset.name}: grant SELECT on its table.`;
      return { ok: false, error: { class: 'auth', code: 'select-not-granted' }, message };
    }
    const updates = dataset.action !== 'retain' && dataset.action !== 'erase';
    if (dataset.action === 'erase' && !rights.delete)
      warnings.push(`${dataset.name}: DELETE is not granted, erasing will fail`);
    if ((updates || dataset.shared) && !rights.update)
      warnings.push(`${dataset.name}: UPDATE is not granted, ${dataset.action} will fail`);
    const cascades = dataset.action === 'erase' ? await tables.dialect.cascades(tables.session, dataset.table) : [];
    if (cascades.length > 0)
      warnings.push(
        `${dataset.name}: deleting a row cascades to ${cascades.length} table(s); rows left there stop the erasure`,
      );
  }
  return {
    ok: true,
    account: await tables.dialect.account(tables.session),
    ...(warnings.length > 0 ? { warnings } : {}),
  };
}

const DAY = 86_400_000;

export function daysFrom(now: Date, days: number): string {
  return new Date(now.getTime() + days * DAY).toISOString().slice(0, 10);
}

/** Backups and history tables from the configuration, then what the system itself reports. */
export async function horizonOf(tables: MappedTables, now: Date, backupDays: number | undefined): Promise<Horizon[]> {
  const horizons: Horizon[] = [];
  for (const dataset of tables.map.datasets) {
    const base = { dataset: dataset.name };
    const backup =
      backupDays === undefined
        ? { until: null, note: 'backup retention not configured' }
        : { until: daysFrom(now, backupDays) };
    horizons.push({ ...base, layer: 'backup', ...backup });
    for (const kept of dataset.history)
      horizons.push({
        ...base,
        layer: 'history',
        until: kept.days === null ? null : daysFrom(now, kept.days),
        note: `history table ${kept.table}`,
      });
    for (const layer of await tables.dialect.layers(tables.session, dataset.table, now))
      horizons.push({ ...base, ...layer });
  }
  return horizons;
}
