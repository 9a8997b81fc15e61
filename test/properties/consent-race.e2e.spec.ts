/** After a withdrawal or objection is acknowledged, no check that brings its token permits: on this replica and on another. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startServer, type RunningServer } from '../../apps/server/src/server.js';
import { startTestServer, type TestServer } from '../support/test-server.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const PEOPLE = 8;
const FLIPS = LONG ? 400 : 25;
const READERS = 8;

/** What the writer of one person did, in order of time; `acked` is Infinity while it waits. */
interface Write {
  decision: 'given' | 'withdrawn';
  begun: number;
  acked: number;
  token: string;
}

/** One check: which acknowledged write it knew of, and what it was answered. */
interface Read {
  person: number;
  knew: number;
  begun: number;
  ended: number;
  permit: boolean;
}

/** Reads that no order of the writes explains: older than what they knew of, with nothing newer begun before they ended. */
function stale(writes: readonly Write[][], reads: readonly Read[]): Read[] {
  return reads.filter(({ person, knew, ended, permit }) => {
    const possible = writes[person]!.slice(knew).filter((write) => write.begun <= ended);
    return !possible.some((write) => (write.decision === 'given') === permit);
  });
}

describe('a check with the token of an acknowledged decision', () => {
  let lethe: TestServer;
  let second: RunningServer;

  beforeAll(async () => {
    lethe = await startTestServer();
    second = await startServer({ ...lethe.server.parts.config, LETHE_ROLES: ['api'], PORT: 0 }, { clock: lethe.clock });
    for (const [id, legalBasis] of [
      ['news', 'consent'],
      ['insight', 'legitimate-interest'],
    ])
      await lethe.put(`/v1/purposes/${id}`, { name: id, legalBasis, model: 'opt-in' }, { as: 'admin' });
    const notice = { id: 'n', version: '1', language: 'en', text: 'T', purposes: ['news', 'insight'] };
    expect((await lethe.post('/v1/notices', notice)).status).toBe(201);
  });
  afterAll(async () => {
    await second.close();
    await lethe.close();
  });

  let calls = 0;
  const post = async (base: string, path: string, body: object): Promise<{ decision: string; token: string }> => {
    calls += 1;
    const headers = {
      authorization: `Bearer ${lethe.tenant.keys.system}`,
      'content-type': 'application/json',
      'idempotency-key': `race-${calls}`,
    };
    const response = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { decision: string; token: string };
  };
  const subject = (purpose: string, person: number): object => ({
    identifiers: [{ type: 'email', value: `${purpose}-${person}@example.test` }],
  });
  const bases = (): [string, string] => [lethe.server.baseUrl, second.baseUrl];

  /** Writers flip each person's decision on either replica while readers ask both; clocks of clients are an hour off. */
  const race = async (purpose: string): Promise<{ writes: Write[][]; reads: Read[] }> => {
    const writes: Write[][] = Array.from({ length: PEOPLE }, () => []);
    const reads: Read[] = [];
    let writing = true;
    const writer = async (person: number): Promise<void> => {
      for (let flip = 0; flip < FLIPS; flip++) {
        const decision = flip % 2 === 0 ? 'given' : 'withdrawn';
        const write: Write = { decision, begun: performance.now(), acked: Infinity, token: '' };
        writes[person]!.push(write);
        // A given must be newer than the stop before it; stops may come from a clock that is an hour slow.
        lethe.clock.advance(10);
        const collectedAt = new Date(
          lethe.clock.now().getTime() - (decision === 'withdrawn' ? 3_600_000 : 0),
        ).toISOString();
        const body = {
          subject: subject(purpose, person),
          decisions: [{ purpose, decision }],
          notice: { id: 'n', version: '1' },
          method: 'm',
          collectedAt,
          evidence: {},
        };
        write.token = (await post(bases()[flip % 3 === 0 ? 1 : 0], '/v1/consents', body)).token;
        write.acked = performance.now();
      }
    };
    const reader = async (number: number): Promise<void> => {
      for (let turn = number; writing; turn++) {
        const person = turn % PEOPLE;
        const knew = writes[person]!.findLastIndex((write) => write.acked < Infinity);
        if (knew < 0) {
          await new Promise((resolve) => setTimeout(resolve, 2));
          continue;
        }
        const begun = performance.now();
        const base = bases()[turn % 2]!;
        const { decision } = await post(base, '/v1/consents/check', {
          subject: subject(purpose, person),
          purpose,
          atLeast: writes[person]![knew]!.token,
        });
        reads.push({ person, knew, begun, ended: performance.now(), permit: decision === 'permit' });
      }
    };
    const readers = Array.from({ length: READERS }, (_, number) => reader(number));
    await Promise.all(writes.map((_, person) => writer(person)));
    writing = false;
    await Promise.all(readers);
    return { writes, reads };
  };

  it.each(['news', 'insight'])(
    'is never answered from before it (%s)',
    async (purpose) => {
      const { writes, reads } = await race(purpose);
      const permits = reads.filter((read) => read.permit).length;
      process.stdout.write(
        `${purpose}: ${reads.length} reads (${permits} permits) raced ${PEOPLE * FLIPS} writes on 2 replicas\n`,
      );
      expect(reads.length).toBeGreaterThan(100);
      expect(permits).toBeGreaterThan(10);
      expect(stale(writes, reads)).toEqual([]);
    },
    300_000,
  );

  it('would be seen to be older: the checker finds planted answers from before', () => {
    const write = (decision: Write['decision'], begun: number): Write => ({
      decision,
      begun,
      acked: begun + 1,
      token: '',
    });
    const writes = [[write('given', 0), write('withdrawn', 10), write('given', 20)]];
    const read = (knew: number, ended: number, permit: boolean): Read => ({
      person: 0,
      knew,
      begun: 12,
      ended,
      permit,
    });
    expect(stale(writes, [read(1, 15, true), read(2, 30, false), read(0, 5, false)])).toHaveLength(3);
    expect(stale(writes, [read(1, 15, false), read(1, 21, true), read(0, 11, false), read(2, 30, true)])).toEqual([]);
  });

  it('of a person that the other replica has just denied knowing', async () => {
    const [here, there] = bases();
    for (let person = 100; person < 110; person++) {
      const asked = { subject: subject('late', person), purpose: 'news' };
      await Promise.all([post(here, '/v1/consents/check', asked), post(there, '/v1/consents/check', asked)]);
      const body = {
        ...asked,
        decisions: [{ purpose: 'news', decision: 'given' }],
        notice: { id: 'n', version: '1' },
        method: 'm',
        collectedAt: lethe.clock.now().toISOString(),
        evidence: {},
      };
      const { purpose: _, ...recorded } = body;
      const { token } = await post(here, '/v1/consents', recorded);
      const answers = await Promise.all(
        bases().map((base) => post(base, '/v1/consents/check', { ...asked, atLeast: token })),
      );
      expect(answers.map((answer) => answer.decision)).toEqual(['permit', 'permit']);
      // A token never goes back: whoever passes on the one of the answer loses nothing.
      const position = (text: string): number => Number(text.split('.').at(-1));
      for (const answer of answers) expect(position(answer.token)).toBeGreaterThanOrEqual(position(token));
    }
  });
});
