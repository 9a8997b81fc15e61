/** PostgreSQL: a person's rows by a table map, over one connection for each call. */
import { parseTableMap, sqlConnector, tableMapSchema, timeLeft } from '@lethe/plugin-kit';
import { ConnectorError, defineConnector } from '@lethe/plugin-sdk';
import * as z from 'zod';
import { PostgresDialect } from './postgres-dialect.js';

/** Configuration of a connection; the manifest carries its JSON Schema. */
export const configSchema = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(1).max(65535).default(5432),
  database: z.string().min(1),
  user: z.string().min(1),
  schema: z.string().min(1).default('public').describe('Schema of tables that are named without one'),
  ssl: z.boolean().default(false),
  backupDays: z.int().min(0).optional().describe('Days until the last backup with erased rows is gone'),
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
    const { tableMap, backupDays, ...server } = parsed.data;
    const waitMs = timeLeft(x);
    const dialect = new PostgresDialect({ ...server, password: x.secrets['password'] ?? '', waitMs });
    return { dialect, map: parseTableMap(tableMap), backupDays };
  }),
);
