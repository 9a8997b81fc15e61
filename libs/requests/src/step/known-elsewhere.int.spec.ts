/** Who is known by ended requests alone goes with the last of them; whoever anything else knows stays. */
import { describe, expect, it } from '@jest/globals';
import { AccessSearch, accessLogMigrations } from '#access-log';
import { consentMigrations, ConsentRecords } from '#consent';
import { newId, type SubjectId } from '#kernel';
import {
  EraseIdentity,
  EraseIdentityHandler,
  IdentifierLookup,
  keyClasses,
  LinkSubjects,
  LinkSubjectsHandler,
  RestrictSubject,
  RestrictSubjectHandler,
} from '#subjects';
import { ada, approveByTwo } from '../../../../test/support/approved-erasure.js';
import { requestsPerSpec, type RequestsFixture } from '../../../../test/support/requests-fixture.js';
import { KnownElsewhere } from './known-elsewhere.js';

const HOUR = 3_600_000;
const ENDS = '2030-01-01T09:00:00Z';
const other = 'ada.other@example.test';

type Known = (all: RequestsFixture, subject: SubjectId) => Promise<unknown>;

const access =
  (source: string): Known =>
  ({ base, tenant }, subject) =>
    base.ledger.superuser.query(
      `INSERT INTO access_entry (tenant, position, subject, source, entry_id, actor_mac, action, purpose, at, recorded_at, verdict)
       VALUES ($1, 1, $2, $3, 'e1', '', 'read', 'support', now(), now(), 'no-match')`,
      [tenant, subject, source],
    );
const consent: Known = ({ base, tenant }, subject) =>
  base.ledger.superuser.query(
    `INSERT INTO consent_record (tenant, subject, position, id, purpose, decision, collected_at, recorded_at, imported, notice_id, notice_version)
     VALUES ($1, $2, 1, $3, 'news', 'withdrawn', now(), now(), false, 'n', '1')`,
    [tenant, subject, newId()],
  );
const restriction: Known = ({ store, people, by }, subject) =>
  new RestrictSubjectHandler(store, people).execute(new RestrictSubject(by('officer'), subject, 'claims'));
const link: Known = async ({ base, store, people, by, ...all }, subject) => {
  const { id } = await all.open('access', other);
  const { subjectId } = await all.requests.load(all.tenant, id);
  const subjectIds: [string, string] = [subject, subjectId];
  const linking = new LinkSubjects(by('officer'), { subjectIds, method: 'attest' });
  await new LinkSubjectsHandler(store, base.identifiers, people).execute(linking);
};
const secondRequest: Known = ({ open }) => open('access', ada.value);

describe('a person whom a request made known', () => {
  const openRequests = requestsPerSpec([...consentMigrations, ...accessLogMigrations]);

  /** Nobody has proven the request; it is withdrawn. */
  const unproven = async (): Promise<{ all: RequestsFixture; subject: SubjectId; id: string }> => {
    const all = await openRequests([]);
    const { database } = all.store;
    const feed = { listen: () => undefined, trusted: () => false };
    const consents = new ConsentRecords(database, feed as never, all.store);
    const accesses = new AccessSearch(database, all.store, {} as never, {} as never);
    const elsewhere = new KnownElsewhere(all.people, consents, accesses);
    all.erasure.isKnown = (tenant, subject) => elsewhere.isKnown(tenant, subject);
    const { id } = await all.open('erasure', ada.value);
    const { subjectId: subject } = await all.requests.load(all.tenant, id);
    await withdrawn(all, id);
    return { all, subject, id };
  };
  const withdrawn = async (all: RequestsFixture, id: string): Promise<void> => {
    await all.course.withdraw(all.by('officer'), id, { reason: 'it was not her' });
    await all.until(id, (one) => one.status === 'closed');
  };
  /** Time goes on in steps until she is erased; false when she never is. */
  const goes = async (all: RequestsFixture, subject: SubjectId, from = ENDS, steps = 100): Promise<boolean> => {
    all.clock.set(new Date(from));
    for (let step = 0; step < steps; step++) {
      if ((await all.people.find(all.tenant, subject))?.status === 'erased') return true;
      all.clock.advance(3 * HOUR);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return false;
  };
  const fileEnds = (all: RequestsFixture, id: string): Promise<unknown> =>
    all.until(id, () => (all.clock.advance(HOUR), all.collected.removed.includes(id)));

  it('goes with the file of the only one, and comes as a stranger again', async () => {
    const { all, subject } = await unproven();
    all.clock.set(new Date('2029-12-31T12:00:00Z'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await all.erasure.isReadable(all.tenant, subject)).toBe(true);
    expect(await goes(all, subject)).toBe(true);
    expect(await all.erasure.isReadable(all.tenant, subject)).toBe(false);
    await expect(all.people.identifiersOf(all.tenant, subject)).resolves.toEqual([]);
    const again = await all.open('access', ada.value);
    expect((await all.requests.load(all.tenant, again.id)).subjectId).not.toBe(subject);
  });

  it('is a stranger at once, also where she was found a moment ago', async () => {
    const { all, subject } = await unproven();
    const { base, store, keyStore, tenant } = all;
    expect(await all.subjects.lookup(tenant, [ada])).toEqual([subject]);
    // Another replica: what it forgets, this one has in its cache still.
    const elsewhere = new IdentifierLookup(store.database, base.keys);
    const erasing = new EraseIdentityHandler(store, keyStore, elsewhere, all.people);
    await erasing.execute(new EraseIdentity({ tenant, actorRef: 'system:requests' }, subject, keyClasses));
    const { id } = await all.open('access', ada.value);
    expect((await all.requests.load(tenant, id)).subjectId).not.toBe(subject);
  });

  it('goes though officers have read of her here', async () => {
    const { all, subject } = await unproven();
    await access('lethe')(all, subject);
    expect(await goes(all, subject)).toBe(true);
  });

  it.each([
    ['a consent or an objection', consent],
    ['an access that a system reported', access('shop')],
    ['a restriction', restriction],
    ['a link to somebody else', link],
    ['a request that has not ended', secondRequest],
  ])('stays for %s', async (_, known) => {
    const { all, subject, id } = await unproven();
    await known(all, subject);
    expect(await fileEndsWithoutHer(all, subject, id)).toBe(false);
  });
  const fileEndsWithoutHer = async (all: RequestsFixture, subject: SubjectId, id: string): Promise<boolean> => {
    all.clock.set(new Date(ENDS));
    await fileEnds(all, id);
    expect(all.collected.removed).toContain(id);
    return goes(all, subject, ENDS, 12);
  };

  it('goes with the last of several', async () => {
    const { all, subject, id } = await unproven();
    all.clock.set(new Date('2028-03-01T09:00:00Z'));
    const later = await all.open('access', ada.value);
    await withdrawn(all, later.id);
    expect(await fileEndsWithoutHer(all, subject, id)).toBe(false);
    expect(await goes(all, subject, '2032-01-01T09:00:00Z')).toBe(true);
  });

  it('goes after an erasure that acted for somebody else: what she was opened by was never proven', async () => {
    const { all } = await unproven();
    const claimed = 'carol@example.test';
    const { id } = await all.open('erasure', claimed);
    const { subjectId } = await all.requests.load(all.tenant, id);
    await all.attest(id, 'email', other);
    const { hash } = await all.plan(id);
    await approveByTwo(all, id, hash);
    expect(await all.until(id, (one) => one.status === 'closed')).toMatchObject({ resolution: 'fulfilled' });
    expect((await all.people.find(all.tenant, subjectId))?.status).toBe('active');
    expect(await goes(all, subjectId)).toBe(true);
  });

  it('stays while a hold names her, and goes after its release', async () => {
    const { all, subject, id } = await unproven();
    all.rules.named.add(subject);
    expect(await fileEndsWithoutHer(all, subject, id)).toBe(false);
    all.rules.named.clear();
    expect(await goes(all, subject, '2030-02-01T09:00:00Z')).toBe(true);
  });
});
