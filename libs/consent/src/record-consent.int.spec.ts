/** A decision that was acknowledged stands with whom the identifiers name then, whatever another replica has just done. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SubjectId, TenantId } from '#kernel';
import { createLogger } from '#platform';
import {
  EraseIdentity,
  EraseIdentityHandler,
  IdentifierLookup,
  LinkSubjects,
  LinkSubjectsHandler,
  People,
  Subjects,
  UnlinkSubjects,
  UnlinkSubjectsHandler,
  type Identifier,
} from '#subjects';
import { openSubjects, type SubjectsFixture } from '../../../test/support/subjects-fixture.js';
import { ConsentFeed } from './consent-feed.js';
import type { RecordConsentInput } from './consent-input.js';
import { ConsentRecords } from './consent-records.js';
import type { ConsentRules } from './consent-rules.js';
import { consentMigrations } from './consent.migrations.js';
import { RecordConsent, RecordConsentHandler } from './record-consent.js';

const ada = { type: 'email', value: 'ada@example.test' };
const byPhone = { type: 'phone', value: '+49301234567' };
/** What the decisions are measured against is not asked here. */
const rules = {
  check: (_: unknown, { decisions }: RecordConsentInput) =>
    Promise.resolve({
      notice: { id: 'n', version: '1', hash: 'h' },
      purposes: decisions.map(() => ({})),
      collectedAt: new Date().toISOString(),
    }),
} as unknown as ConsentRules;

let given: SubjectsFixture;
let feed: ConsentFeed;
let by: { tenant: TenantId; actorRef: string };

/** A replica knows of the others' changes only what its caches let through. */
function replica() {
  const { ledger, keys, store, sealer } = given;
  const identifiers = new IdentifierLookup(ledger.database, keys);
  const subjects = new Subjects(identifiers, sealer);
  const records = new ConsentRecords(ledger.database, feed, store);
  const handler = new RecordConsentHandler(store, subjects, sealer, records, rules);
  const say = async (decision: string, ...who: Identifier[]): Promise<SubjectId> => {
    const body = {
      subject: { identifiers: who },
      decisions: [{ purpose: 'news', decision }],
      method: 'form',
      notice: {},
    };
    const command = new RecordConsent(by as never, { ...body, evidence: {}, origin: 'live' } as never, false);
    return (await handler.execute(command)).subjectId as SubjectId;
  };
  return { identifiers, subjects, people: new People(ledger.database, sealer), say };
}

async function decisionsOf(subject: SubjectId): Promise<string[]> {
  const { rows } = await given.ledger.superuser.query<{ decision: string }>(
    'SELECT decision FROM consent_record WHERE tenant = $1 AND subject = $2 ORDER BY position',
    [by.tenant, subject],
  );
  return rows.map((row) => row.decision);
}

beforeAll(async () => {
  given = await openSubjects(undefined, consentMigrations);
  feed = new ConsentFeed(given.store, createLogger('silent'));
});
afterAll(async () => {
  feed.onApplicationShutdown();
  await given.close();
});
beforeEach(async () => {
  by = { tenant: await given.newTenant(), actorRef: 'officer' };
});

describe('a decision of somebody who is in the cache still', () => {
  it('stands with who she is now when another replica has just erased her', async () => {
    const [here, there] = [replica(), replica()];
    const before = await here.say('given', ada);
    expect(await there.subjects.lookup(by.tenant, [ada])).toEqual([before]);
    const erasing = new EraseIdentityHandler(given.store, given.keyStore, here.identifiers, here.people);
    await erasing.execute(new EraseIdentity(by, before));
    const now = await there.say('refused', ada);
    expect(now).not.toBe(before);
    expect(await decisionsOf(before)).toEqual(['given']);
    expect(await here.say('refused', ada)).toBe(now);
    expect(await decisionsOf(now)).toEqual(['refused', 'refused']);
  });

  it('stands with her own alias when another replica has just taken the link to it back', async () => {
    const [here, there] = [replica(), replica()];
    const [other, herself] = [await here.say('given', byPhone), await here.say('given', ada)];
    const linking = new LinkSubjectsHandler(given.store, here.identifiers, here.people);
    const { linkId } = await linking.execute(new LinkSubjects(by, { subjectIds: [other, herself], method: 'attest' }));
    expect(await there.subjects.lookup(by.tenant, [ada])).toEqual([other]);
    const unlinking = new UnlinkSubjectsHandler(given.ledger.database, given.store, here.identifiers, here.people);
    await unlinking.execute(new UnlinkSubjects(by, { linkId, reason: 'mistake' }));
    expect(await there.say('refused', ada)).toBe(herself);
    expect(await decisionsOf(other)).toEqual(['given']);
    expect(await decisionsOf(herself)).toEqual(['given', 'refused']);
  });
});
