// Our process in the HTTP rows: the built server as `npm start` runs it, with a tenant, a purpose and a notice.
import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandBus } from '@nestjs/cqrs';
import { bootstrapTenant } from '../../dist/apps/server/src/bootstrap-tenant.js';
import { startServer } from '../../dist/apps/server/src/server.js';
import { RecordConsent } from '../../dist/libs/consent/src/record-consent.js';
import { Caller, PrincipalSource, readConfig } from '../../dist/libs/platform/src/index.js';
import { consentOf, knownPerson } from './load-calls.mjs';
import { answer } from './processes.mjs';

/** Counted like any other call, but never reached: a limit would measure itself. */
const NO_LIMIT = 1e12;
const AT_ONCE = 400;
const PATIENCE_MS = 600_000;
let server;
let keys;

async function call(method, path, key, body) {
  const response = await fetch(server.baseUrl + path, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'idempotency-key': randomBytes(9).toString('hex'),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status} ${await response.text()}`);
}

async function start({ ledgerUrl, keystoreUrl, folder }) {
  const config = readConfig({
    PORT: '0',
    DATABASE_URL: ledgerUrl,
    LETHE_KEYSTORE_URL: keystoreUrl,
    LETHE_DATA_DIR: join(folder, 'data'),
    LETHE_KEY_DIR: join(folder, 'keys'),
    LETHE_LOG_LEVEL: 'error',
  });
  server = await startServer(config, { callsPerMinute: NO_LIMIT });
  const place = { territory: 'DE-BE', timeZone: 'Europe/Berlin' };
  ({ keys } = await bootstrapTenant(server.app, { name: 'Bench', mode: 'test', ...place }));
  const purpose = { name: 'Newsletter', legalBasis: 'consent', model: 'opt-in', validity: 'P2Y' };
  await call('PUT', '/v1/purposes/newsletter', keys.admin, purpose);
  const notice = { id: 'signup', version: '1', language: 'en', text: 'We send news.', purposes: ['newsletter'] };
  await call('POST', '/v1/notices', keys.officer, notice);
  return { port: Number(new URL(server.baseUrl).port), key: keys.system };
}

/** Records consents of new people by the same command that the route runs, without HTTP in between. */
async function people({ from, to }) {
  const commands = server.app.get(CommandBus);
  const principal = await server.app.get(PrincipalSource).authenticate(keys.system);
  let next = from;
  const one = async () => {
    while (next < to) {
      const body = { ...consentOf(knownPerson(next++)), origin: 'live' };
      const by = new Caller(principal);
      by.idempotency = { key: randomBytes(32), fingerprint: randomBytes(32) };
      await commands.execute(new RecordConsent(by, body, true));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

/** Waits until projections and processes have read the whole log, as a copied database would have nothing left to do either. */
async function settled() {
  const { database, store } = server.parts;
  const { tenant } = await server.app.get(PrincipalSource).authenticate(keys.system);
  const statement = { text: 'SELECT min(position) AS position FROM cursor WHERE tenant = $1', values: [tenant] };
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(250)) {
    const { rows } = await database.fetch(tenant, statement);
    const { size } = await store.head(tenant);
    if ((rows[0].position ?? size) >= size) return;
  }
  throw new Error(`projections were still behind after ${PATIENCE_MS / 1000} s`);
}

answer({ start, people, settled, memory: () => process.memoryUsage().rss }, () => server.close());
