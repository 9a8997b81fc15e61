/** No input on any route gives a 5xx, unbounded time or memory, an echo of what was sent, or anything half-done. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { assertSound } from '../support/ledger-fixture.js';
import { ServiceProcess } from '../support/service-process.js';
import { badCallsOf, operationsOf, type OpenApi, type Operation, type WireCall } from './openapi-inputs.js';
import { complaint, isShed, Wire, type Answer } from './wire.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const FULL = process.env['LETHE_TEST_FULL'] === '1';
const TOTAL = FULL ? 100_000 : LONG ? 20_000 : 2_500;
const SEED = Number(process.env['LETHE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const AT_ONCE = 8;
/** A slow call is asked again alone: the machine may have been busy with other suites. Twice slow is slow. */
const SLOWEST_MS = 2_000;
const GROWTH_KIB = 100 * 1024;
const canary = 'kanarienvogel-7f3a';
const people = ['officer', 'admin', 'auditor', 'system'] as const;

describe('bad input', () => {
  let service: ServiceProcess;
  let wire: Wire;
  let document: OpenApi;
  let operations: Operation[];
  const callers = new Map<string, string>();

  beforeAll(async () => {
    service = await ServiceProcess.prepare();
    const collector = pathToFileURL(join(import.meta.dirname, '../support/collect-on-signal.mjs')).href;
    await service.start({ NODE_OPTIONS: `--import ${collector}` });
    wire = new Wire(() => service.access('officer').baseUrl, AT_ONCE);
    document = (await service.get('/openapi.json')).body as OpenApi;
    operations = operationsOf(document);
    const news = { name: 'News', legalBasis: 'consent', model: 'opt-in' };
    await service.put('/v1/purposes/newsletter', news, { as: 'admin' });
    const notice = { id: 'signup', version: '1', language: 'en', text: 'News.', purposes: ['newsletter'] };
    expect((await service.post('/v1/notices', notice)).status).toBe(201);
    for (const operation of operations) callers.set(operation.operationId, await callerOf(operation));
  }, 60_000);
  afterAll(async () => {
    wire.close();
    await service.close();
  });

  /** The first who may: the others would be refused before anything of the input is read. */
  async function callerOf(operation: Operation): Promise<string> {
    const path = operation.path.replaceAll(/\{\w+\}/g, '00000000-0000-7000-8000-000000000000');
    for (const name of people) {
      const { key } = service.access(name);
      const headers = { 'content-type': 'application/json' };
      const answer = await wire.send(operation, { path, headers, body: Buffer.from('{}'), fault: '' }, key);
      if (answer && answer.status !== 403) return key;
    }
    return service.access('admin').key;
  }

  /** KiB that the process holds when nobody asks anything and garbage is collected. */
  async function held(): Promise<number> {
    let least = Infinity;
    for (let round = 0; round < 4; round++) {
      process.kill(service.pid, 'SIGUSR2');
      await sleep(400);
      const status = readFileSync(`/proc/${service.pid}/status`, 'utf8');
      least = Math.min(least, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]));
    }
    return least;
  }

  interface Tally {
    wrong: string[];
    codes: Map<string, number>;
    routes: Map<string, number>;
    slowest: { ms: number; what: string };
    slow: { operation: Operation; call: WireCall }[];
    shed: number;
  }

  function count(tally: Tally, operation: Operation, call: WireCall, answer: Answer | undefined): void {
    tally.routes.set(operation.operationId, (tally.routes.get(operation.operationId) ?? 0) + 1);
    if (!answer) return;
    const code = answer.status < 400 ? String(answer.status) : ((/"code":"([^"]+)"/.exec(answer.text) ?? [])[1] ?? '?');
    tally.codes.set(code, (tally.codes.get(code) ?? 0) + 1);
    if (isShed(answer)) tally.shed += 1;
    if (answer.ms > tally.slowest.ms)
      tally.slowest = { ms: answer.ms, what: `${operation.operationId} ${answer.status} ${call.fault.slice(0, 60)}` };
    if (answer.ms > SLOWEST_MS) tally.slow.push({ operation, call });
    const said = complaint(answer, canary);
    if (said)
      tally.wrong.push(
        `${operation.operationId}: ${said.slice(0, 200)} <- ${call.fault} ${call.body?.subarray(0, 300).toString()}`,
      );
  }

  /** All routes get their calls in turns of a few, so that memory is not one route's. */
  async function run(tally: Tally, perRoute: number, seed: number): Promise<void> {
    const batchSize = Math.min(perRoute, 40);
    for (let done = 0; done < perRoute; done += batchSize)
      for (const [at, operation] of operations.entries()) {
        const runs = { numRuns: Math.min(batchSize, perRoute - done), seed: seed + at + done * 1000 };
        const calls = fc.sample(badCallsOf(document, operation, canary), runs);
        const key = callers.get(operation.operationId)!;
        for (let first = 0; first < calls.length; first += AT_ONCE) {
          const batch = calls.slice(first, first + AT_ONCE);
          const answers = await Promise.all(batch.map((call) => wire.send(operation, call, key)));
          answers.forEach((answer, index) => count(tally, operation, batch[index]!, answer));
        }
      }
  }

  it(`of ${TOTAL} kinds is refused as a problem document, seed ${SEED}`, async () => {
    const tally: Tally = {
      wrong: [],
      codes: new Map(),
      routes: new Map(),
      slowest: { ms: 0, what: '' },
      slow: [],
      shed: 0,
    };
    // What a process allocates once, for its first calls, is no growth.
    await run({ ...tally, routes: new Map() }, 4, SEED + 500_000);
    const before = await held();
    const began = performance.now();
    await run(tally, Math.ceil(TOTAL / operations.length), SEED);
    const seconds = (performance.now() - began) / 1000;
    const after = await held();
    const sent = [...tally.routes.values()].reduce((sum, one) => sum + one, 0);
    const lists = [tally.codes, tally.routes].map((map) => [...map].map(([name, n]) => `${name} ${n}`).join(', '));
    const memory = `RSS ${Math.round(before / 1024)} -> ${Math.round(after / 1024)} MiB`;
    process.stdout.write(
      [
        `bad input: seed ${SEED}, ${sent} calls on ${operations.length} routes in ${Math.round(seconds)} s, ${memory}, shed ${tally.shed}`,
        `  slowest ${Math.round(tally.slowest.ms)} ms: ${tally.slowest.what}; over 2 s at first: ${tally.slow.length}`,
        `  codes: ${lists[0]}`,
        `  calls per route: ${lists[1]}\n`,
      ].join('\n'),
    );
    expect(tally.wrong.slice(0, 20)).toEqual([]);
    expect(sent).toBeGreaterThanOrEqual(TOTAL);
    expect(Math.min(...tally.routes.values())).toBeGreaterThanOrEqual(Math.floor(TOTAL / operations.length));
    expect(after - before).toBeLessThan(GROWTH_KIB);
    for (const { operation, call } of tally.slow) {
      const again = await wire.send(operation, call, callers.get(operation.operationId)!);
      expect([operation.operationId, call.fault, (again?.ms ?? 0) < SLOWEST_MS]).toEqual([
        operation.operationId,
        call.fault,
        true,
      ]);
    }
    // The generator is worth something only if it gets past the first rule.
    expect(tally.codes.get('body-invalid')).toBeGreaterThan(0);
    expect(tally.codes.size).toBeGreaterThan(8);
  }, 7_200_000);

  it('leaves the ledger sound and every fact with its row', async () => {
    const superuser = service.superusers.ledger;
    const { rows: tenants } = await superuser.query<{ id: string }>('SELECT id FROM tenant');
    const tenant = tenants[0]!.id;
    const leaves = await assertSound({ superuser }, tenant as Parameters<typeof assertSound>[1]);
    const countOf = (type: string): number =>
      leaves.filter((leaf) => (JSON.parse(leaf.bytes) as { type: string }).type === type).length;
    const pairs = [
      ['ConsentRecorded.v1', 'consent_record'],
      ['AccessRecorded.v1', "access_entry WHERE source <> 'lethe' AND true"],
      ['SubjectRegistered.v1', 'subject'],
      ['IdentifierAdded.v1', 'subject_identifier'],
      ['MemberAdded.v1', 'member'],
      ['CredentialIssued.v1', 'credential'],
      ['NoticePublished.v1', 'notice'],
    ] as const;
    for (const [type, table] of pairs) {
      const { rows } = await superuser.query<{ rows: number }>(
        `SELECT count(*)::int AS rows FROM ${table} ${table.includes('WHERE') ? 'AND' : 'WHERE'} tenant = $1`,
        [tenant],
      );
      expect([table, rows[0]!.rows]).toEqual([table, countOf(type)]);
    }
  }, 120_000);
});
