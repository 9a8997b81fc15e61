/** The clock of a process jumps 40 days ahead and a day back: nothing is signed, nothing due is acted on, nothing dated anew. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Housekeeping, JobWorker } from '#jobs';
import { TestClock, type Clock } from '#kernel';
import { CLOCK } from '#platform';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

const DAY = 86_400_000;

/** The machine's clock, which runs, and which somebody sets wrong. */
class WrongClock extends TestClock {
  ahead = 0;
  override now(): Date {
    return new Date(Date.now() + this.ahead);
  }
}

const clock = new WrongClock(new Date());
let given: TestServer;
let unguarded: TestServer;
/** A machine that is busy starts slowly, and a server whose start nobody waits for any more would never be closed. */
const START_MS = 120_000;
beforeAll(async () => {
  unguarded = await startTestServer({ clock: new WrongClock(new Date()) });
  given = await startTestServer({ clock, guardClock: true });
  const purpose = { name: 'Newsletter', legalBasis: 'consent', model: 'opt-in' };
  expect((await given.put('/v1/purposes/newsletter', purpose)).status).toBeLessThan(300);
  const notice = { id: 'footer', version: '1', language: 'en', text: 'We write.', purposes: ['newsletter'] };
  expect((await given.post('/v1/notices', notice)).status).toBe(201);
}, START_MS);
afterAll(async () => {
  await given.close();
  await unguarded.close();
}, START_MS);

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function record(email: string): Promise<number> {
  const { status } = await given.post(
    '/v1/consents',
    {
      ...{ subject: { identifiers: [{ type: 'email', value: email }] }, method: 'web form', evidence: {} },
      decisions: [{ purpose: 'newsletter', decision: 'given' }],
      notice: { id: 'footer', version: '1' },
      // A consent from the future is refused, and the future begins at the earlier of the clocks.
      collectedAt: new Date(Math.min(Date.now(), clock.now().getTime())).toISOString(),
    },
    { as: 'system' },
  );
  return status;
}

/** Opens requests under every clock of the law there is a row for, and reads what they are due. */
async function openRequests(): Promise<string[]> {
  const wanted = [
    { type: 'access', regimes: ['eu-gdpr'] },
    { type: 'erasure', regimes: ['uk-gdpr'] },
    { type: 'erasure', regimes: ['us-ca'] },
  ];
  const ids: string[] = [];
  for (const [at, request] of wanted.entries()) {
    const { status, body } = await given.post('/v1/requests', {
      ...{ ...request, channel: 'mail' },
      subject: { identifiers: [{ type: 'email', value: `clock${at}@example.test` }] },
    });
    expect([status, body]).toEqual([201, expect.anything()]);
    ids.push(body.id);
  }
  return ids;
}

async function dueDates(ids: readonly string[]): Promise<unknown[]> {
  const read = await Promise.all(ids.map((id) => given.get(`/v1/requests/${id}`)));
  return read.map(({ body }) => [body.id, body.dueOn, body.clocks.map((one: { dueOn: string }) => one.dueOn)]);
}

/** Without the ids. */
const daysOf = (due: unknown[]): unknown[] => (due as unknown[][]).map(([, ...days]) => days);

async function log(): Promise<{ size: number; recorded: string[]; signed: number }> {
  const { rows } = await given.superuser.query<{ bytes: string }>(
    'SELECT bytes FROM event WHERE tenant = $1 ORDER BY position',
    [given.tenant.tenant.id],
  );
  const recorded = rows.map(({ bytes }) => (JSON.parse(bytes) as { recordedAt: string }).recordedAt);
  const latest = await given.server.parts.reader.latestCheckpoint(given.tenant.tenant.id);
  return { size: rows.length, recorded, signed: latest?.size ?? 0 };
}

async function signedUpTo(size: number): Promise<void> {
  await until(`signed up to ${size}`, async () => (await log()).signed >= size);
}

/** Resolves when what was begun is over: everything is signed, and nothing has come for a while. */
async function quiet(): Promise<void> {
  let size = -1;
  await until('a quiet log', async () => {
    await pause(700);
    const now = await log();
    const same = now.size === size && now.signed >= now.size;
    ({ size } = now);
    return same;
  });
}

describe.each([
  ['40 days ahead', 40 * DAY],
  ['a day back', -DAY],
])('a clock that jumps %s', (_, ahead) => {
  it('changes no due date, signs nothing, acts on nothing, and heals alone', async () => {
    const ids = await openRequests();
    const due = await dueDates(ids);
    await quiet();
    const acted: string[] = [];
    const { app } = given.server;
    app.get(Housekeeping).every(`planted-${ahead}`, 1, async () => void acted.push('chore'));
    clock.ahead = ahead;
    try {
      // At once, without waiting for a look at anything.
      expect(given.server.parts.clockGuard.mayDate).toBe(false);
      // A signature that was under way at the jump is over by now.
      await pause(300);
      const before = await log();
      // Reads and appends go on.
      expect(await record(`during${ahead}@example.test`)).toBe(201);
      expect((await given.get('/v1/ledger', { as: 'auditor' })).status).toBe(200);
      expect(await dueDates(ids)).toEqual(due);
      if (ahead > 0) {
        // What is opened now is due when it would have been, and no delay (of a setting, of a lease) is over.
        expect(daysOf(await dueDates(await openRequests()))).toEqual(daysOf(due));
        expect(app.get<Clock>(CLOCK).now().getTime()).toBeLessThan(Date.now() + 5_000);
      }
      expect(await app.get(Housekeeping).runDue()).toEqual([]);
      await pause(1_600);
      const during = await log();
      expect(during.size).toBeGreaterThan(before.size);
      expect(during.signed).toBe(before.signed);
      expect(acted).toEqual([]);
    } finally {
      clock.ahead = 0;
    }
    await signedUpTo((await log()).size);
    await until('the chore', async () => {
      await app.get(Housekeeping).runDue();
      return acted.length > 0;
    });
    expect(await dueDates(ids)).toEqual(due);
    // Dates never go backwards, whatever the clock did.
    const { recorded } = await log();
    expect(recorded).toEqual([...recorded].sort());
    // Nor into the future: everything after it would be dated there, until time has caught up.
    expect(Date.parse(recorded.at(-1)!)).toBeLessThan(Date.now() + 5_000);
    app.get(JobWorker).wake(given.tenant.tenant.id);
  }, 240_000);
});

describe('the control', () => {
  it('without a guard signs and acts under the wrong date', async () => {
    const { clockGuard, clock: own, reader } = unguarded.server.parts;
    (own as WrongClock).ahead = 40 * DAY;
    try {
      expect(clockGuard.mayDate).toBe(true);
      const acted: string[] = [];
      unguarded.server.app.get(Housekeeping).every('planted', 1, async () => void acted.push('chore'));
      await until('the chore', async () => {
        await unguarded.server.app.get(Housekeeping).runDue();
        return acted.length > 0;
      });
      const { size } = await unguarded.server.parts.store.head(unguarded.tenant.tenant.id);
      await unguarded.put('/v1/purposes/control', { name: 'Control', legalBasis: 'consent', model: 'opt-in' });
      // Of what was appended in the jump: a checkpoint from before it does not count.
      await reader.checkpointFor(unguarded.tenant.tenant.id, size);
    } finally {
      // Leases that were taken under the wrong date are given back under the right one.
      (own as WrongClock).ahead = 0;
    }
  }, 240_000);
});
