/** DuckDB: a person's rows in a warehouse file and in Parquet beside it, by a table map. */
import { parseTableMap, sqlConnector, tableMapSchema, timeLeft } from '@lethe/plugin-kit';
import { ConnectorError, defineConnector } from '@lethe/plugin-sdk';
import * as z from 'zod';
import { DuckdbDialect } from './duckdb-dialect.js';

/** Configuration of a connection; the manifest carries its JSON Schema. */
export const configSchema = z.strictObject({
  file: z.string().min(1).describe('Path of the .duckdb file'),
  parquet: z
    .array(z.strictObject({ dataset: z.string().min(1), path: z.string().regex(/^[^*?[\]{}]+$/) }))
    .default([])
    .describe('Datasets of the table map that are one Parquet file each'),
  backupDays: z.int().min(0).optional().describe('Days until the last copy of the files with erased rows is gone'),
  tableMap: tableMapSchema,
});

export default defineConnector(
  sqlConnector<unknown>((x) => {
    const parsed = configSchema.safeParse(x.config);
    const where = parsed.error?.issues[0]?.path.join('/') ?? '';
    if (!parsed.success)
      throw new ConnectorError(
        { class: 'config', code: 'config-invalid' },
        `The configuration is not usable at ${where}.`,
      );
    const { file, parquet, tableMap, backupDays } = parsed.data;
    const map = parseTableMap(tableMap);
    const files = new Map<string, string>();
    for (const entry of parquet) {
      const dataset = map.datasets.find((known) => known.name === entry.dataset);
      if (!dataset || dataset.table.includes('.'))
        throw new ConnectorError(
          { class: 'config', code: 'parquet-dataset-unknown' },
          'A Parquet file names a dataset outside the table map.',
        );
      files.set(dataset.table, entry.path);
    }
    const waitMs = timeLeft(x);
    return { dialect: new DuckdbDialect(file, files, waitMs), map, backupDays };
  }),
);
