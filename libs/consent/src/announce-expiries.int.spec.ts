/** Who only listens hears of every consent that ran out and would still stand, once: however it came, whatever else was said. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, TestClock, type SubjectId, type TenantId } from '#kernel';
import type { ChoreRun } from '#jobs';
import { createLogger } from '#platform';
import { openSubjects, type SubjectsFixture } from '../../../test/support/subjects-fixture.js';
import { AnnounceExpiries, ExpiryChore } from './announce-expiries.js';
import { ConsentFeed } from './consent-feed.js';
import { ConsentRecords } from './consent-records.js';
import { consentMigrations, consentRecordRow } from './consent.migrations.js';
import { consentStream, type ConsentRecorded } from './consent.js';

const DAY = 86_400_000;
const clock = new TestClock(new Date('2026-03-01T10:00:00Z'));
const ada = { type: 'email', value: 'ada@example.test' };

let given: SubjectsFixture;
let feed: ConsentFeed;
let expiries: AnnounceExpiries;
let tenant: TenantId;
let subject: SubjectId;

const inDays = (days: number): string => new Date(clock.now().getTime() + days * DAY).toISOString();

/** Records one decision; returns its id. */
async function decide(one: Partial<ConsentRecorded>): Promise<string> {
  const data: ConsentRecorded = {
    ...{ id: newId(), subject, purpose: 'news', decision: 'given', channel: null, collectedAt: inDays(0) },
    ...{ imported: false, expiresAt: null, notice: { id: 'n', version: '1', hash: '' } },
    particulars: { sealed: 1, c: 'consent', s: subject, n: '', t: '' },
    ...one,
  };
  await given.store.append({
    ...{ tenant, actorRef: 'test' },
    events: [{ stream: consentStream(subject), type: 'ConsentRecorded.v1', data: { ...data } }],
    rows: [consentRecordRow(data, 0)],
  });
  return data.id;
}

/** Ids of the consents that were said to have run out. */
async function said(): Promise<unknown[]> {
  await expiries.announce(tenant);
  const events = await given.store.read(tenant, 0, 1000);
  return events.filter(({ type }) => type === 'ConsentExpired.v1').map(({ data }) => data['id']);
}

beforeAll(async () => {
  given = await openSubjects(clock, consentMigrations);
  feed = new ConsentFeed(given.store, createLogger('silent'));
  const records = new ConsentRecords(given.ledger.database, feed, given.store);
  expiries = new AnnounceExpiries(given.store, given.ledger.database, records, clock);
});
afterAll(async () => {
  feed.onApplicationShutdown();
  await given.close();
});
beforeEach(async () => {
  tenant = await given.newTenant();
  subject = await given.subjects.record(tenant, [ada], {}, async (who) => {
    await given.store.append({ tenant, actorRef: 'test', events: who.events, rows: who.rows });
    return who.subject;
  });
});

describe('a consent that ran out', () => {
  it('is told once, and not before', async () => {
    const id = await decide({ expiresAt: inDays(2) });
    expect(await said()).toEqual([]);
    clock.advance(3 * DAY);
    expect(await said()).toEqual([id]);
    expect(await said()).toEqual([id]);
  });

  it('is not told when it was replaced or withdrawn', async () => {
    await decide({ expiresAt: inDays(2) });
    await decide({ purpose: 'sale', expiresAt: inDays(2) });
    clock.advance(DAY);
    await decide({ expiresAt: inDays(9) });
    await decide({ purpose: 'sale', decision: 'withdrawn' });
    clock.advance(3 * DAY);
    expect(await said()).toEqual([]);
  });

  it('is told although one channel had been stopped: it was relied on for the others', async () => {
    const id = await decide({ expiresAt: inDays(2) });
    await decide({ decision: 'withdrawn', channel: 'sms' });
    clock.advance(3 * DAY);
    expect(await said()).toEqual([id]);
  });

  it('is told when it was imported after its end', async () => {
    const live = await decide({ purpose: 'sale', expiresAt: inDays(2) });
    clock.advance(3 * DAY);
    expect(await said()).toEqual([live]);
    const old = await decide({ imported: true, collectedAt: inDays(-20), expiresAt: inDays(-10) });
    expect(await said()).toEqual([live, old]);
    expect(await said()).toEqual([live, old]);
    // One that a newer decision replaces says nothing to anybody.
    await decide({ imported: true, collectedAt: inDays(-25), expiresAt: inDays(-15) });
    expect(await said()).toEqual([live, old]);
  });
});

it('of one tenant is told, though those of another cannot be read', async () => {
  const asked: string[] = [];
  const announce = async (one: string): Promise<number> => {
    asked.push(one);
    throw new Error('unreadable');
  };
  const tenants = { all: async () => [{ id: 'a' }, { id: 'b' }] };
  let run: ChoreRun = async () => undefined;
  const chores = { every: (_: string, __: number, chore: ChoreRun) => void (run = chore) };
  const config = { LETHE_ROLES: ['worker'] };
  new ExpiryChore({ announce } as never, tenants as never, chores as never, config as never).onModuleInit();
  await expect(run(clock.now())).rejects.toThrow('unreadable');
  expect(asked).toEqual(['a', 'b']);
});
