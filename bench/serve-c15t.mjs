// The peer's process: c15t's self-hosted backend as its documentation sets it up, under Hono's Node server.
import { readFileSync } from 'node:fs';
import { serve } from '@hono/node-server';
import { c15tInstance } from '@c15t/backend';
import { kyselyAdapter } from '@c15t/backend/db/adapters/kysely';
import { migrator } from '@c15t/backend/db/migrator';
import { DB } from '@c15t/backend/db/schema';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { answer } from '../scripts/bench/processes.mjs';

const pool = { max: 16 };
let database;
let server;
let connections;

async function start({ url }) {
  connections = new pg.Pool({ connectionString: url, ...pool });
  database = new Kysely({ dialect: new PostgresDialect({ pool: connections }) });
  const adapter = kyselyAdapter({ db: database, provider: 'postgresql' });
  const result = await migrator({ db: DB.client(adapter), schema: 'latest' });
  await result.execute();
  const { handler } = c15tInstance({
    basePath: '/api/c15t',
    trustedOrigins: ['http://localhost'],
    adapter,
    apiKeys: ['bench-key'],
    logger: { level: 'error' },
  });
  server = await new Promise((resolve) => {
    const made = serve({ fetch: handler, port: 0, hostname: '127.0.0.1' }, () => resolve(made));
  });
  const { version } = JSON.parse(readFileSync(new URL('node_modules/@c15t/backend/package.json', import.meta.url)));
  return { port: server.address().port, version };
}

answer({ start }, async () => {
  server.closeAllConnections?.();
  await new Promise((resolve) => server.close(resolve));
  await connections.end();
});
