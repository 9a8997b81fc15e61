/** Words in every free field of every route that writes: none of them gets into log, metrics, traces, refusals, jobs or kept answers. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openShop, type Shop } from '../support/connected-shop.js';
import { ServiceProcess } from '../support/service-process.js';
import type { TestAnswer } from '../support/test-server.js';
import { everyRow } from '../support/try-keys.js';
import { until } from '../support/until.js';
import { fillTenant } from './fill-tenant.js';
import type { Filled } from './filling.js';
import { ownPath, withForeign } from './foreign-calls.js';
import { operationsOf, valueOf, type OpenApi, type Operation, type Words } from './openapi-inputs.js';

const RUNS = process.env['LETHE_TEST_LONG'] === '1' ? 30 : 3;
const SEED = Number(process.env['LETHE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
/** Stands for a person: nowhere at all in clear. */
const PERSON = `zp${randomBytes(6).toString('hex')}`;
/** Stands for words about things, such as a label or a code: they may be kept, and are told to nobody by accident. */
const WORD = `zw${randomBytes(6).toString('hex')}`;
const CODES = ['type', 'action', 'purpose'];
/** Its words are published: everybody may read what they are asked to agree to. */
const PUBLISHED = ['definePurpose', 'publishNotice'];
/** Tables that hold ids and codes only. A kept answer may name the thing it made, as that thing's own row does. */
const CODES_ONLY = ['job', 'job_due', 'job_bucket', 'housekeeping', 'cursor', 'plugin_failure'];

let service: ServiceProcess;
let shop: Shop;
let collector: Server;
let adminPort = 0;
let filled: Filled;
const traces: string[] = [];
const refusals: string[] = [];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

beforeAll(async () => {
  collector = createServer((request, response) => {
    void text(request).then((body) => {
      traces.push(body);
      response.end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  adminPort = await freePort();
  service = await ServiceProcess.prepare(() => ({
    LETHE_ADMIN_PORT: String(adminPort),
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}/`,
  }));
  await service.start({ LETHE_LOG_LEVEL: 'debug' });
  shop = await openShop();
  const { logId } = (await service.get('/v1/ledger', { as: 'auditor' })).body;
  const call = (method: 'get' | 'post' | 'put') => service[method].bind(service) as never;
  const clock = { now: () => new Date(), advance: () => undefined };
  const api = { get: call('get'), post: call('post'), put: call('put'), clock };
  filled = await fillTenant(api, { keys: service.apiKeys, logId }, 'aurora', shop);
}, 120_000);
afterAll(async () => {
  await service.close();
  await shop.drop();
  collector.close();
  collector.closeAllConnections();
});

/** As whoever may: the others are refused before anything of the body is read. */
async function send({ method }: Operation, path: string, body: unknown): Promise<TestAnswer> {
  let answer: TestAnswer | undefined;
  for (const as of ['officer', 'admin', 'system'] as const) {
    answer = await (method === 'PUT' ? service.put(path, body, { as }) : service.post(path, body, { as }));
    if (answer.status !== 403) break;
  }
  return answer!;
}

/** What is written to the administration is about systems, keys and settings; everything else may be about a person. */
function wordsOf({ path }: Operation): Words {
  const aboutThings = /^\/v1\/(admin|systems|webhook-endpoints|retention\/policies)\b/.test(path);
  return (name) => {
    if (name === 'value') return `${PERSON}@example.test`;
    return aboutThings || CODES.includes(name) ? `${WORD} ${name}` : `${PERSON} ${name}`;
  };
}

async function hits(): Promise<string[]> {
  const found = new Set<string>();
  const look = (where: string, what: string, ...canaries: string[]): void => {
    if (canaries.some((canary) => what.toLowerCase().includes(canary))) found.add(where);
  };
  const { ledger, keystore } = service.superusers;
  for (const database of [ledger, keystore])
    for (const [table, rows] of await everyRow(database))
      for (const row of rows) look(table, row, PERSON, ...(CODES_ONLY.includes(table) ? [WORD] : []));
  look('process log', service.output, PERSON, WORD);
  look('metrics', await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text(), PERSON, WORD);
  for (const one of traces) look('traces', one, PERSON, WORD);
  for (const one of refusals) look(`refusal ${one.slice(0, 300)}`, one, PERSON, WORD);
  return [...found];
}

describe('what is written into free fields', () => {
  it(`is in no log, metric, trace, refusal, job or kept answer, seed ${SEED}`, async () => {
    const document = (await service.get('/openapi.json')).body as OpenApi;
    const writing = operationsOf(document).filter(({ method, body }) => method !== 'GET' && body);
    const own = { ...filled, all: [...filled.ids.values()].flat(), mark: PERSON };
    const statuses = new Map<number, number>();
    for (const [at, operation] of writing.entries()) {
      const free = PUBLISHED.includes(operation.operationId) ? undefined : wordsOf(operation);
      const bodies = fc.sample(valueOf(document, operation.body, '', 0, free), { numRuns: RUNS, seed: SEED + at });
      for (const [n, value] of bodies.entries()) {
        const body = withForeign(value, '', own, () => n);
        const { status, body: said } = await send(operation, ownPath(operation, filled, n), body);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status >= 400) refusals.push(`${operation.operationId} ${JSON.stringify(said)}`);
      }
    }
    await service.get('/v1/the-last-call');
    await until('the last trace', () => traces.some((one) => one.includes('"GET none"')));
    const told = [...statuses].map(([status, count]) => `${status}: ${count}`).join(', ');
    process.stdout.write(`canaries: ${writing.length} routes, seed ${SEED}; ${told}\n`);
    expect(writing.length).toBeGreaterThan(60);
    expect((statuses.get(200) ?? 0) + (statuses.get(201) ?? 0)).toBeGreaterThan(10);
    expect(await hits()).toEqual([]);
    // The control: what is planted is found.
    service.output += `{"msg":"called for ${PERSON}"}`;
    traces.push(WORD);
    await service.superusers.ledger.query(`UPDATE housekeeping SET last_error = $1 WHERE name = 'key-epoch'`, [WORD]);
    expect(await hits()).toEqual(['housekeeping', 'process log', 'traces']);
  }, 120_000);
});
