/** At three times its capacity the service refuses reports of accesses, and every withdrawal still gets through in time. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { declare, spread, type Told } from '../support/outage.js';
import { ServiceProcess } from '../support/service-process.js';

/** Long form only: on two processors a flood crowds out whatever else is tested beside it, and is itself no flood then. */
const LONG = process.env['LETHE_TEST_LONG'] === '1';
const FLOOD_MS = 8_000;
const TIMES = 3;
/** A neighbour on the machine may make the service look weaker than it is: then the flood is too small for it. */
const ROUNDS = 3;
/** Withdrawals wait at most this part of what they would without shedding. */
const LEAST_GAIN = 0.7;
const ENTRIES = 40;
const WITHDRAWALS_A_SECOND = 10;
const LEAST_REPORTS_A_SECOND = 100;

let service: ServiceProcess;

beforeAll(async () => {
  if (LONG) service = await ServiceProcess.prepare();
}, 240_000);
afterAll(async () => {
  if (!LONG) return;
  for (const agent of Object.values(connections)) agent.destroy();
  await service.close();
});

let sent = 0;
/** Connected systems keep their connections; a new one a call would wait to be accepted, once a turn of the event loop. */
const connections = {
  reports: new Agent({ keepAlive: true, maxSockets: 256 }),
  withdrawals: new Agent({ keepAlive: true }),
};

function report(): Promise<Told> {
  const entries = Array.from({ length: ENTRIES }, () => {
    const id = `e-${(sent += 1)}`;
    const subject = { identifiers: [{ type: 'email', value: `p${sent % 1000}@example.test` }] };
    const actor = { type: 'employee', id: 'clerk' };
    const at = new Date().toISOString();
    return { id, actor, subject, action: 'read', resource: 'crm.contact', fields: ['email'], purpose: 'news', at };
  });
  return post(connections.reports, '/v1/access-log/entries', { entries });
}

function withdraw(): Promise<Told> {
  const subject = { identifiers: [{ type: 'email', value: `w${(sent += 1)}@example.test` }] };
  const decisions = [{ purpose: 'news', decision: 'withdrawn' }];
  const body = { subject, decisions, notice: { id: 'n', version: '1' }, method: 'link', evidence: {} };
  return post(connections.withdrawals, '/v1/consents', { ...body, collectedAt: new Date().toISOString() });
}

async function post(agent: Agent, path: string, body: unknown): Promise<Told> {
  const { baseUrl, key } = service.access('system');
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    'idempotency-key': randomBytes(12).toString('hex'),
  };
  const started = performance.now();
  const call = request(baseUrl + path, { agent, method: 'POST', headers });
  call.end(JSON.stringify(body));
  const [answer] = (await once(call, 'response')) as [IncomingMessage];
  const { code = '' } = JSON.parse(await text(answer)) as { code?: string };
  const retryAfter = answer.headers['retry-after'] ?? null;
  return { status: answer.statusCode ?? 0, code, retryAfter, tookMs: performance.now() - started };
}

/** Opens the connections of all callers before the flood begins. */
async function connect(): Promise<void> {
  const open = async (agent: Agent): Promise<void> => {
    const call = request(`${service.access('system').baseUrl}/healthz`, { agent });
    call.end();
    const [answer] = (await once(call, 'response')) as [IncomingMessage];
    await text(answer);
  };
  const all = [
    ...Array.from({ length: 256 }, () => connections.reports),
    ...Array.from({ length: 64 }, () => connections.withdrawals),
  ];
  await Promise.all(all.map(open));
}

/** Reports a second that the service answers when it always has some to do. */
async function capacity(): Promise<number> {
  const end = performance.now() + 1_000;
  let done = 0;
  const work = async (): Promise<void> => {
    while (performance.now() < end) if ((await report()).status < 300) done += 1;
  };
  await Promise.all(Array.from({ length: 8 }, work));
  return done;
}

/** Calls at a fixed rate, whatever became of those before: people do not wait for each other. */
async function flood(reportsASecond: number): Promise<{ reports: Told[]; withdrawals: Told[] }> {
  const begun = performance.now();
  const reports: Promise<Told>[] = [];
  const withdrawals: Promise<Told>[] = [];
  while (performance.now() - begun < FLOOD_MS) {
    const seconds = (performance.now() - begun) / 1000;
    while (reports.length < seconds * reportsASecond) reports.push(report());
    while (withdrawals.length < seconds * WITHDRAWALS_A_SECOND) withdrawals.push(withdraw());
    await sleep(10);
  }
  return { reports: await Promise.all(reports), withdrawals: await Promise.all(withdrawals) };
}

function slowest(withdrawals: Told[]): number {
  const sorted = withdrawals.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.95)] ?? 0;
}

async function overload(
  shedding: 'on' | 'off',
  measured?: number,
): Promise<{ reports: Told[]; withdrawals: Told[]; rate: number }> {
  await service.start({ LETHE_LOAD_SHEDDING: shedding });
  try {
    await declare(service);
    // A cold process, or a neighbour on the machine, makes it look weaker than it is; the flood must not be too small.
    const rate = measured ?? Math.max(await capacity(), await capacity(), LEAST_REPORTS_A_SECOND);
    await connect();
    return { ...(await flood(rate * TIMES)), rate };
  } finally {
    await service.end('SIGKILL');
  }
}

(LONG ? describe : describe.skip)(`at ${TIMES} times its capacity`, () => {
  it('the service refuses reports and records every withdrawal in time; without shedding withdrawals suffer', async () => {
    let on = await overload('on');
    const overloaded = (): Told[] => on.reports.filter(({ code }) => code === 'overloaded');
    for (let round = 1; round < ROUNDS && overloaded().length <= on.reports.length / 5; round += 1)
      on = await overload('on', on.rate * 2);
    let off = await overload('off', on.rate);
    for (let round = 1; round < ROUNDS && slowest(on.withdrawals) >= slowest(off.withdrawals) * LEAST_GAIN; round += 1)
      off = await overload('off', on.rate);
    const refused = overloaded();
    for (const [name, { rate, reports, withdrawals }] of [['on', on] as const, ['off', off] as const])
      process.stdout.write(
        `shedding ${name}: capacity ${Math.round(rate)} reports/s, ${reports.length} sent, ${reports.filter(({ status }) => status === 503).length} refused; withdrawals p95 ${Math.round(slowest(withdrawals))} ms, ${spread(withdrawals.map(({ tookMs }) => tookMs))}\n`,
      );
    expect(on.withdrawals.filter(({ status }) => status !== 201)).toEqual([]);
    expect(refused.length).toBeGreaterThan(on.reports.length / 5);
    expect(refused.every(({ retryAfter }) => Number(retryAfter) >= 1)).toBe(true);
    expect(slowest(on.withdrawals)).toBeLessThan(5_000);
    expect(slowest(on.withdrawals)).toBeLessThan(slowest(off.withdrawals) * LEAST_GAIN);
  }, 600_000);
});
