/** Links, restrictions, shared identifiers and erasure of people, on a real PostgreSQL. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type SubjectId } from '#kernel';
import { EventStore } from '#ledger';
import { openSubjects, type SubjectsFixture } from '../../../test/support/subjects-fixture.js';
import { until } from '../../../test/support/until.js';
import { AddIdentifier, AddIdentifierHandler } from './add-identifier.js';
import { EraseIdentity, EraseIdentityHandler } from './erase-identity.js';
import type { Identifier } from './identifier.js';
import type { KeyClass } from './keys/keystore.queries.js';
import { LinkSubjects, LinkSubjectsHandler } from './link-subjects.js';
import { People } from './people.js';
import {
  LiftRestriction,
  LiftRestrictionHandler,
  RestrictSubject,
  RestrictSubjectHandler,
} from './restrict-subject.js';
import { groupsOf, identifierPlace, type IdentifierAdded } from './subject.js';
import { UnlinkSubjects, UnlinkSubjectsHandler } from './unlink-subjects.js';
import { VerifyIdentifier, VerifyIdentifierHandler } from './verify-identifier.js';

let given: SubjectsFixture;
let by: { tenant: SubjectsFixture['tenant']; actorRef: string };
let people: People;
beforeAll(async () => {
  given = await openSubjects();
  people = new People(given.ledger.database, given.sealer);
  by = { tenant: given.tenant, actorRef: 'officer' };
});
afterAll(() => given.close());

const email = (value: string): Identifier => ({ type: 'email', value });

async function register(...identifiers: Identifier[]): Promise<SubjectId> {
  return given.subjects.record(by.tenant, identifiers, {}, async (who) => {
    if (who.isNew) await given.store.append({ ...by, events: who.events, rows: who.rows });
    return who.subject;
  });
}

const link = (one: SubjectId, other: SubjectId, store = given.store) =>
  new LinkSubjectsHandler(store, given.identifiers, people).execute(
    new LinkSubjects(by, { subjectIds: [one, other], method: 'attest' }),
  );
const unlink = (linkId: string) =>
  new UnlinkSubjectsHandler(given.ledger.database, given.store, given.identifiers, people).execute(
    new UnlinkSubjects(by, { linkId, reason: 'mistake' }),
  );
const erase = (subject: SubjectId, ...classes: KeyClass[]) =>
  new EraseIdentityHandler(given.store, given.keyStore, given.identifiers, people).execute(
    new EraseIdentity(by, subject, ['identity', ...classes]),
  );
const erasuresOf = async (subject: SubjectId) =>
  (await given.store.load(by.tenant, `subject/${subject}`)).filter((event) => event.type === 'IdentityErased.v1');
const add = (
  subject: SubjectId,
  identifier: Identifier,
  shared: boolean,
  store: Pick<EventStore, 'append'> = given.store,
) =>
  new AddIdentifierHandler(store as EventStore, given.subjects, given.identifiers, people).execute(
    new AddIdentifier(by, subject, identifier, 'verified', shared),
  );

describe('groups', () => {
  it('are the people joined by links, whatever the order', () => {
    const [a, b, c, d] = ['a', 'b', 'c', 'd'] as SubjectId[] as [SubjectId, SubjectId, SubjectId, SubjectId];
    expect(
      groupsOf(
        [a, b, c, d],
        [
          [c, d],
          [a, b],
          [b, c],
        ],
      ),
    ).toEqual([[a, b, c, d]]);
    expect(groupsOf([a, b, c, d], [[a, c]])).toEqual([[a, c], [b], [d]]);
  });
});

describe('a link', () => {
  it('makes two subjects one person, and taking it back makes them two again', async () => {
    const [one, other] = [await register(email('l1@example.test')), await register(email('l2@example.test'))];
    const both = [email('l2@example.test'), email('l1@example.test')];
    await expect(given.subjects.resolve(by.tenant, both)).rejects.toMatchObject({ code: 'subject-ambiguous' });
    const { linkId } = await link(other, one);
    expect(await given.subjects.resolve(by.tenant, both)).toEqual({ subject: one, matches: [other, one] });
    expect(await people.aliasesOf(by.tenant, other)).toEqual([one, other]);
    await expect(link(one, other)).rejects.toMatchObject({ code: 'subjects-linked' });
    await unlink(linkId);
    expect(await people.aliasesOf(by.tenant, other)).toEqual([other]);
    await expect(given.subjects.resolve(by.tenant, both)).rejects.toMatchObject({ code: 'subject-ambiguous' });
    await expect(unlink(linkId)).rejects.toMatchObject({ status: 404 });
    const events = await given.store.load(by.tenant, 'subject-links');
    expect(events.map((event) => [event.type, event.data['linkId']])).toEqual([
      ['SubjectsLinked.v1', linkId],
      ['SubjectsUnlinked.v1', linkId],
    ]);
  });

  it('joins whole groups, also when several replicas link at the same moment', async () => {
    const replicas = Array.from({ length: 4 }, () => new EventStore(given.ledger.database, given.clock));
    const chain: SubjectId[] = [];
    for (let index = 0; index < 5; index++) chain.push(await register(email(`chain${index}@example.test`)));
    await Promise.all(chain.slice(1).map((member, index) => link(member, chain[index]!, replicas[index]!)));
    for (const member of chain) expect(await people.aliasesOf(by.tenant, member)).toEqual([...chain].sort());
  });

  it('to an unknown or another tenant’s subject is refused', async () => {
    const one = await register(email('lonely@example.test'));
    await expect(link(one, newId() as SubjectId)).rejects.toMatchObject({ status: 404 });
    await expect(link(one, one)).rejects.toMatchObject({ code: 'subjects-linked' });
  });
});

describe('an identifier', () => {
  it('may be shared on purpose, and is then ambiguous', async () => {
    const [one, other] = [await register(email('mum@example.test')), await register(email('dad@example.test'))];
    const family = email('family@example.test');
    expect(await given.subjects.lookup(by.tenant, [family])).toEqual([]);
    expect(await add(one, family, false)).toEqual({ added: true });
    await expect(add(other, family, false)).rejects.toMatchObject({ code: 'identifier-held' });
    expect(await add(other, family, true)).toEqual({ added: true });
    expect(await add(other, family, true)).toEqual({ added: false });
    await expect(given.subjects.resolve(by.tenant, [family])).rejects.toMatchObject({ code: 'subject-ambiguous' });
  });

  it('of somebody who is erased while it is on its way is refused, and no fact says that it was added', async () => {
    const one = await register(email('leaving@example.test'));
    const append: EventStore['append'] = async (input) => {
      await erase(one);
      return given.store.append(input);
    };
    const added = add(one, email('late@example.test'), false, { append });
    await expect(added).rejects.toMatchObject({ code: 'subject-erased' });
    const facts = await given.store.load(by.tenant, `subject/${one}`);
    expect(facts.filter(({ type }) => type === 'IdentifierAdded.v1')).toHaveLength(1);
  });

  it('is shown in clear to callers that may see it, with its strength', async () => {
    const one = await register(email('Clear@example.test'));
    const [claimed] = await people.identifiersOf(by.tenant, one);
    expect(claimed).toMatchObject({
      type: 'email',
      value: 'clear@example.test',
      given: 'Clear@example.test',
      strength: 'claimed',
    });
    const handler = new VerifyIdentifierHandler(given.store);
    await handler.execute(new VerifyIdentifier(by, one, claimed!.id, 'code'));
    expect((await people.identifiersOf(by.tenant, one))[0]?.strength).toBe('verified');
    await expect(handler.execute(new VerifyIdentifier(by, one, newId(), 'code'))).rejects.toMatchObject({
      status: 404,
    });
  });
});

describe('a restriction', () => {
  it('holds for every alias until the last one is lifted', async () => {
    const [one, other] = [await register(email('r1@example.test')), await register(email('r2@example.test'))];
    await link(one, other);
    const restrict = new RestrictSubjectHandler(given.store, people);
    const first = await restrict.execute(new RestrictSubject(by, one, 'accuracy-contested'));
    const second = await restrict.execute(new RestrictSubject(by, one, 'request-pending'));
    expect(await restrict.execute(new RestrictSubject(by, one, 'request-pending', second.restrictionId))).toEqual(
      second,
    );
    expect(await people.find(by.tenant, other)).toMatchObject({
      status: 'restricted',
      restrictions: [{ ground: 'accuracy-contested' }, { ground: 'request-pending' }],
    });
    const lift = new LiftRestrictionHandler(given.store, people);
    await lift.execute(new LiftRestriction(by, one, first.restrictionId, new Date()));
    expect((await people.get(by.tenant, other)).status).toBe('restricted');
    await lift.execute(new LiftRestriction(by, one, second.restrictionId, new Date()));
    expect((await people.get(by.tenant, other)).status).toBe('active');
    await expect(lift.execute(new LiftRestriction(by, one, second.restrictionId, new Date()))).rejects.toMatchObject({
      code: 'restriction-not-in-force',
    });
  });
});

describe('another replica', () => {
  it('sees a restriction and a link after a moment', async () => {
    const [one, other] = [await register(email('there1@example.test')), await register(email('there2@example.test'))];
    const there = new People(given.ledger.database, given.sealer);
    expect((await there.get(by.tenant, one)).status).toBe('active');
    await link(one, other);
    await new RestrictSubjectHandler(given.store, people).execute(new RestrictSubject(by, other, 'accuracy-contested'));
    await until('it is seen', async () => (await there.get(by.tenant, one)).status === 'restricted', 5_000);
    expect((await there.get(by.tenant, one)).aliases).toEqual([one, other]);
  });
});

describe('erasing an identity', () => {
  it('leaves no lookup, no link and no readable value, and the person may come back as somebody new', async () => {
    const [one, other] = [await register(email('gone@example.test')), await register(email('stays@example.test'))];
    await link(one, other);
    const added = (await given.store.load(by.tenant, `subject/${one}`)).find(
      (event) => event.type === 'IdentifierAdded.v1',
    )!.data as unknown as IdentifierAdded;
    const consent = await given.sealer.seal(by.tenant, one, 'consent', 'evidence', 'p');
    // The control: the leaf can be read before.
    expect(await given.sealer.open(by.tenant, added.value, identifierPlace(added.identifierId))).toMatchObject({
      readable: true,
      value: { value: 'gone@example.test' },
    });
    expect(await given.subjects.lookup(by.tenant, [email('gone@example.test')])).toEqual([one]);

    const erased = await erase(one);
    expect(erased.keys).toEqual([{ class: 'identity', shreddedAt: expect.any(String) }]);
    expect(await given.subjects.lookup(by.tenant, [email('gone@example.test')])).toEqual([]);
    expect(await given.sealer.open(by.tenant, added.value, identifierPlace(added.identifierId))).toEqual({
      readable: false,
      reason: 'shredded',
    });
    expect(await given.sealer.open(by.tenant, consent, 'p')).toEqual({ readable: true, value: 'evidence' });
    expect(await people.get(by.tenant, one)).toMatchObject({ status: 'erased', aliases: [one] });
    expect(await people.get(by.tenant, other)).toMatchObject({ status: 'active', aliases: [other] });
    const { rows } = await given.ledger.superuser.query('SELECT FROM subject_identifier WHERE subject = $1', [one]);
    expect(rows).toHaveLength(0);
    // What stays of them is evidence: restricted, and nobody else is.
    expect((await people.get(by.tenant, one)).restrictions).toMatchObject([{ subject: one, ground: 'legal-duty' }]);
    expect((await people.get(by.tenant, other)).restrictions).toEqual([]);

    const again = await erase(one);
    expect(again).toEqual({ subject: one, keys: erased.keys });
    expect(await erasuresOf(one)).toHaveLength(1);
    expect((await people.get(by.tenant, one)).restrictions).toHaveLength(1);
    expect(await register(email('gone@example.test'))).not.toBe(one);
  });

  it('is finished by a repeat when the process died after the key', async () => {
    const one = await register(email('crash@example.test'));
    await given.keyStore.shred(by.tenant, one, ['identity']);
    expect(await given.subjects.lookup(by.tenant, [email('crash@example.test')])).toEqual([one]);
    await erase(one);
    expect(await given.subjects.lookup(by.tenant, [email('crash@example.test')])).toEqual([]);
    expect(await erasuresOf(one)).toHaveLength(1);
  });

  it('says of a later class that it is destroyed also when the process died after its key, and says it once', async () => {
    const one = await register(email('years-later@example.test'));
    const evidence = await given.sealer.seal(by.tenant, one, 'consent', 'evidence', 'p');
    await erase(one);
    await given.keyStore.shred(by.tenant, one, ['consent']);
    await erase(one, 'consent');
    await erase(one, 'consent');
    const told = (await erasuresOf(one)).map(({ data }) => data['keys']);
    expect(told).toEqual([
      [expect.objectContaining({ class: 'identity' })],
      [expect.objectContaining({ class: 'consent' })],
    ]);
    expect(await given.sealer.open(by.tenant, evidence, 'p')).toMatchObject({ readable: false });
    expect((await people.get(by.tenant, one)).restrictions).toHaveLength(1);
  });

  it('that leaves nothing restricts nothing', async () => {
    const one = await register(email('whole@example.test'));
    await erase(one, 'consent', 'access', 'case');
    expect(await people.get(by.tenant, one)).toMatchObject({ status: 'erased', restrictions: [] });
    await erase(one, 'consent', 'access', 'case');
    const told = await given.store.load(by.tenant, `subject/${one}`);
    expect(told.map(({ type }) => type)).toEqual(['SubjectRegistered.v1', 'IdentifierAdded.v1', 'IdentityErased.v1']);
  });

  it('drops an identifier that was sealed before and stored after it', async () => {
    const one = await register(email('late@example.test'));
    const [found] = await given.identifiers.find(by.tenant, [{ type: 'customerId', value: 'late-1' }]);
    const late = await given.subjects.addIdentifier(by.tenant, one, found!, 'claimed', false);
    await erase(one);
    await given.store.append({ ...by, events: [late.event], rows: [late.row] });
    given.identifiers.invalidate(by.tenant);
    expect(await given.subjects.lookup(by.tenant, [{ type: 'customerId', value: 'late-1' }])).toEqual([]);
  });
});
