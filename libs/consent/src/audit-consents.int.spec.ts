/** A decision that somebody changed, took out or added in the database is named: a check would answer by it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, TestClock, type SubjectId, type TenantId } from '#kernel';
import { openSubjects, type SubjectsFixture } from '../../../test/support/subjects-fixture.js';
import { auditConsents, missingConsents } from './audit-consents.js';
import { consentMigrations, consentRecordRow } from './consent.migrations.js';
import { consentStream, type ConsentRecorded, type Decision } from './consent.js';

const clock = new TestClock(new Date('2026-03-01T10:00:00.123Z'));
const subject = newId() as SubjectId;

let given: SubjectsFixture;
let tenant: TenantId;
let other: TenantId;

function decisionOf(decision: Decision): ConsentRecorded {
  return {
    ...{ id: newId(), subject, purpose: 'news', decision, channel: decision === 'given' ? 'email' : null },
    ...{ collectedAt: '2026-02-28T23:00:00.000Z', imported: true },
    expiresAt: decision === 'given' ? '2027-02-28T23:00:00.000Z' : null,
    notice: { id: 'n', version: '1', hash: '' },
    particulars: { sealed: 1, c: 'consent', s: subject, n: '', t: '' },
  };
}

/** Some call of before and two decisions in one append. */
async function decide(into: TenantId): Promise<void> {
  const decisions = [decisionOf('given'), decisionOf('withdrawn')];
  await given.store.append({
    ...{ tenant: into, actorRef: 'test' },
    events: [
      { stream: 'request/1', type: 'RequestOpened.v1', data: {} },
      ...decisions.map((data) => ({ stream: consentStream(subject), type: 'ConsentRecorded.v1', data: { ...data } })),
    ],
    rows: decisions.map((one, index) => consentRecordRow(one, index + 1)),
  });
}

const tamper = (statement: string): Promise<unknown> => given.ledger.superuser.query(statement, [tenant]);
const found = async (of = tenant, from?: number): Promise<string[]> =>
  (await auditConsents(given.ledger.database, of, from)).map(({ where, what }) => `${where} ${what}`);

beforeAll(async () => {
  given = await openSubjects(clock, consentMigrations);
});
afterAll(() => given.close());
beforeEach(async () => {
  [tenant, other] = [await given.newTenant(), await given.newTenant()];
  for (const one of [tenant, tenant, other]) await decide(one);
});
afterEach(async () => {
  expect(await found(other)).toEqual([]);
});

const WITHDRAWN = `WHERE tenant = $1 AND position = 2`;
const CHANGED = 'consent_record of leaf 2 is not what the leaf says';
const copied = (id: string, position: string): string =>
  `INSERT INTO consent_record SELECT tenant, subject, ${position}, ${id}, purpose, 'given', channel, collected_at, recorded_at,
     imported, expires_at, notice_id, notice_version FROM consent_record ${WITHDRAWN}`;

describe('the audit of decisions', () => {
  it('finds nothing where nothing was changed', async () => {
    expect(await found()).toEqual([]);
  });

  it.each([
    ['what was decided', `decision = 'given'`],
    ['for what', `purpose = 'profiling'`],
    ['for which channel', `channel = 'post'`],
    ['whose it is', 'subject = gen_random_uuid()'],
    ['when', `collected_at = '2020-01-01'`],
    ['until when, by a date that no leaf has', `expires_at = 'infinity'`],
    ['when it was known', `recorded_at = '2020-01-01'`],
    ['where it came from', 'imported = false'],
    ['what was shown', `notice_version = '2'`],
    ['its place', 'position = 3'],
  ])('names a row that says something else than its leaf: %s', async (_, change) => {
    await tamper(`UPDATE consent_record SET ${change} ${WITHDRAWN}`);
    expect((await found())[0]).toBe(CHANGED);
  });

  it('names a row that was taken out, or bears another id', async () => {
    await tamper(`UPDATE consent_record SET id = gen_random_uuid() ${WITHDRAWN}`);
    expect(await found()).toEqual(['consent_record of leaf 2 is missing']);
    await tamper('DELETE FROM consent_record WHERE tenant = $1 AND position = 1');
    expect(await found()).toEqual(['consent_record of leaf 1 is missing']);
  });

  it('misses no row that a replay gave up, and every other one', async () => {
    await decide(tenant);
    const { database } = given.ledger;
    const missing = (): Promise<object[]> => missingConsents(database, tenant);
    await tamper('DELETE FROM consent_record WHERE tenant = $1 AND position IN (2, 4, 7)');
    expect(await missing()).toEqual([
      { from: 2, to: 4 },
      { from: 7, to: 7 },
    ]);
    await given.store.append({
      ...{ tenant, actorRef: 'system:replay' },
      events: [
        {
          stream: 'log',
          type: 'ErasuresReplayed.v1',
          data: { missingConsents: await missingConsents(database, tenant) },
        },
      ],
    });
    expect([await found(), await missing()]).toEqual([[], []]);
    await tamper('DELETE FROM consent_record WHERE tenant = $1 AND position = 8');
    expect([await found(), await missing()]).toEqual([['consent_record of leaf 8 is missing'], [{ from: 8, to: 8 }]]);
  });

  it('names what was changed beside what a restore left missing', async () => {
    await tamper('DELETE FROM consent_record WHERE tenant = $1 AND position = 1');
    await tamper(`UPDATE consent_record SET decision = 'given' ${WITHDRAWN}`);
    expect(await found()).toEqual(['consent_record of leaf 1 is missing', CHANGED]);
  });

  it.each([
    ['beyond the log', `'00000000-0000-0000-0000-000000000000'`, '1000'],
    ['at a leaf of another kind', `'ffffffff-ffff-ffff-ffff-ffffffffffff'`, '3'],
  ])('names a row that was added %s', async (_, id, position) => {
    await tamper(copied(id, position));
    expect(await found()).toEqual([`consent_record ${id.slice(1, -1)} has no leaf`]);
  });

  it('of the newest leaves looks at no older one', async () => {
    await tamper(`UPDATE consent_record SET decision = 'given' ${WITHDRAWN}`);
    expect([await found(tenant, 2), await found(tenant, 3)]).toEqual([[CHANGED], []]);
  });
});
