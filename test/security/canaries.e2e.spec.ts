/** Words in every free field of every route that writes: none of them gets into log, metrics, traces, refusals, jobs or kept answers. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseLeaf } from '#ledger';
import { openShop, type Shop } from '../support/connected-shop.js';
import { strangeShapes } from '../support/event-shapes.js';
import { startMailServer, type MailServer } from '../support/mail-server.js';
import { allowing, startReceiver, type Receiver } from '../support/receiver.js';
import { ServiceProcess } from '../support/service-process.js';
import type { TestAnswer } from '../support/test-server.js';
import { everyRow } from '../support/try-keys.js';
import { until } from '../support/until.js';
import { canaryOf, PERSON, PlantedCalls, PUBLISHED, tellingFiles, tells, WORD } from './canaries.js';
import { startUnable, writeEverywhere, type Unable } from './canary-story.js';
import { fillTenant } from './fill-tenant.js';
import type { Filled } from './filling.js';
import { ownPath, withForeign } from './foreign-calls.js';
import { operationsOf, valueOf, type OpenApi, type Operation, type Words } from './openapi-inputs.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const RUNS = LONG ? 30 : 1;
const SEED = Number(process.env['LETHE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
/** Tables that hold ids and codes only. A kept answer may name the thing it made, as that thing's own row does. */
const CODES_ONLY = ['job', 'job_due', 'job_bucket', 'housekeeping', 'cursor', 'plugin_failure'];

/** The refusal that shows the officer the new plan, which names its systems. */
const SHOWS_PLAN = /^approveRequest .*"code":"plan-changed"/;
/** No route is left out of the long form. The short one starts no plugin again: the life of a connection needs it six times. */
const LEFT_OUT = LONG
  ? []
  : [
      ...['configureConnection', 'upgradeConnection', 'rollbackConnection', 'rotateConnectionSecret'],
      ...['quarantineConnection', 'clearQuarantine', 'removeConnection', 'removePlugin'],
    ];

let service: ServiceProcess;
let shop: Shop;
let collector: Server;
let mails: MailServer;
let hook: Receiver;
let unable: Unable;
let adminPort = 0;
let filled: Filled;
let document: OpenApi;
let api: PlantedCalls;
const traces: string[] = [];

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
  [mails, hook, unable] = [await startMailServer(), await startReceiver(), await startUnable()];
  service = await ServiceProcess.prepare(() => ({
    LETHE_ADMIN_PORT: String(adminPort),
    LETHE_SMTP_URL: mails.url,
    ...allowing([hook]),
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}/`,
  }));
  await service.start({ LETHE_LOG_LEVEL: 'debug' });
  shop = await openShop();
  const { logId } = (await service.get('/v1/ledger', { as: 'auditor' })).body;
  document = (await service.get('/openapi.json')).body;
  api = new PlantedCalls(service, document);
  const clock = { now: () => new Date(), advance: () => undefined };
  filled = await fillTenant({ ...api, clock } as never, { keys: service.apiKeys, logId }, 'aurora', shop);
  await writeEverywhere({ api, dataDir: service.dataDir, filled, shop, hook: hook.url, unable }, LONG);
}, 120_000);
afterAll(async () => {
  await service.close();
  await shop.drop();
  await mails.close();
  await hook.close();
  unable.close();
  collector.close();
  collector.closeAllConnections();
});

/** As whoever may: the others are refused before anything of the body is read. */
async function send({ method }: Operation, path: string, body: unknown): Promise<TestAnswer> {
  let answer: TestAnswer | undefined;
  for (const as of ['officer', 'admin', 'system'] as const) {
    answer = await api.send(method, path, body, { as });
    if (answer.status !== 403) break;
  }
  return answer!;
}

const wordsOf =
  (operation: Operation): Words =>
  (name) =>
    name === 'value' ? `${PERSON}@example.test` : `${canaryOf(operation, name)} ${name}`;

async function hits(): Promise<string[]> {
  const found = new Set<string>();
  const look = (where: string, what: string, ...canaries: string[]): void => {
    if (tells(what, ...canaries)) found.add(where);
  };
  const { ledger, keystore } = service.superusers;
  for (const database of [ledger, keystore])
    for (const [table, rows] of await everyRow(database))
      for (const row of rows) look(table, row, PERSON, ...(CODES_ONLY.includes(table) ? [WORD] : []));
  look('process log', service.output, PERSON, WORD);
  look('metrics', await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text(), PERSON, WORD);
  for (const one of traces) look('traces', one, PERSON, WORD);
  for (const one of api.refusals)
    look(`refusal ${one.slice(0, 300)}`, one, PERSON, ...(SHOWS_PLAN.test(one) ? [] : [WORD]));
  for (const one of api.heads) look('where answers lead to', one, PERSON, WORD);
  for (const line of unable.lines) look('request line', line, PERSON, WORD);
  for (const { path, headers, text } of hook.received) {
    look('request line', path + JSON.stringify(headers), PERSON);
    look('webhook body', text, PERSON, WORD);
  }
  for (const file of tellingFiles(service.dataDir)) look(`file ${relative(service.dataDir, file)}`, PERSON, PERSON);
  return [...found];
}

describe('what is written into free fields', () => {
  it('is taken by every route that writes', async () => {
    const bodies = operationsOf(document).filter(({ method, body }) => method !== 'GET' && body);
    const never = bodies.map((one) => one.operationId).filter((id) => !api.accepted.has(id));
    expect(never).toEqual(LEFT_OUT);
    // Who hears of it has heard of it: there is something to look at.
    await until('everybody was told', () =>
      [hook.received, unable.lines, mails.inbox].every((told) => told.length > 1),
    );
  });

  it('is recorded in facts of the committed shape: stored bytes never migrate', async () => {
    const { rows } = await service.superusers.ledger.query<{ bytes: string }>('SELECT bytes FROM event');
    expect(strangeShapes(rows.map(({ bytes }) => parseLeaf(0, bytes)))).toEqual([]);
  });

  it(`is in no log, metric, trace, refusal, job or kept answer, seed ${SEED}`, async () => {
    const writing = operationsOf(document).filter(({ method, body }) => method !== 'GET' && body);
    const own = { ...filled, all: [...filled.ids.values()].flat(), mark: PERSON };
    const statuses = new Map<number, number>();
    for (const [at, operation] of writing.entries()) {
      const free = PUBLISHED.includes(operation.operationId) ? undefined : wordsOf(operation);
      const bodies = fc.sample(valueOf(document, operation.body, '', 0, free), { numRuns: RUNS, seed: SEED + at });
      for (const [n, value] of bodies.entries()) {
        const body = withForeign(value, '', own, () => n);
        const { status } = await send(operation, ownPath(operation, filled, n), body);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    }
    // Once more what was taken: most of it comes too late now, and is refused in good words.
    if (LONG) for (const again of [...api.sent]) await api.send(...again);
    await service.get('/v1/the-last-call');
    await until('the last trace', () => traces.some((one) => one.includes('"GET none"')));
    const told = [...statuses].map(([status, count]) => `${status}: ${count}`).join(', ');
    process.stdout.write(`canaries: ${writing.length} routes, seed ${SEED}; ${told}\n`);
    expect(writing.length).toBeGreaterThan(60);
    expect(await hits()).toEqual([]);
    // The control: what is planted is found, however it is written.
    service.output += `{"msg":"called for ${PERSON}"}`;
    for (const before of ['', 'a', 'bc']) traces.push(Buffer.from(`${before}${WORD} and more`).toString('base64'));
    for (const trace of traces.slice(-3)) expect([trace, tells(trace, WORD)]).toEqual([trace, true]);
    unable.lines.push(`POST /lethe?for=${PERSON}%40example.test`);
    await writeFile(join(service.dataDir, 'left.tmp'), `\0${PERSON}`);
    const inHex = Buffer.from(WORD).toString('hex');
    await service.superusers.ledger.query(`UPDATE housekeeping SET last_error = $1 WHERE name = 'key-epoch'`, [inHex]);
    expect(await hits()).toEqual(['housekeeping', 'process log', 'traces', 'request line', 'file left.tmp']);
  }, 120_000);
});
