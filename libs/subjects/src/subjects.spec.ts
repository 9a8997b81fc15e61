/** Finding and registering people on a real PostgreSQL. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Appended, NewEvent } from '#ledger';
import type { SubjectId, TenantId } from '#kernel';
import { EraseIdentity, EraseIdentityHandler } from './erase-identity.js';
import { IdentifierLookup } from './identifier-lookup.js';
import type { Identifier } from './identifier.js';
import { keyClasses } from './keys/keystore.js';
import { LinkSubjects, LinkSubjectsHandler } from './link-subjects.js';
import { People } from './people.js';
import { openSubjects, type SubjectsFixture } from '../../../test/support/subjects-fixture.js';
import { Subjects, type PreparedSubject, type RecordOptions } from './subjects.js';
import { UnlinkSubjects, UnlinkSubjectsHandler } from './unlink-subjects.js';

let given: SubjectsFixture;
let tenant: TenantId;
beforeAll(async () => {
  given = await openSubjects();
  tenant = given.tenant;
});
afterAll(() => given.close());

const email = (value: string): Identifier => ({ type: 'email', value });
const customer = (value: string): Identifier => ({ type: 'customerId', value });

const fact: NewEvent = { stream: 'test', type: 'TestHappened.v1', data: {} };

/** Records something about a person, as the consent domain does. */
function record(
  identifiers: Identifier[],
  options: RecordOptions = {},
  seen: (who: PreparedSubject) => void = () => undefined,
): Promise<{ who: PreparedSubject; at: Appended }> {
  return given.subjects.record(tenant, identifiers, options, async (who) => {
    seen(who);
    return {
      who,
      at: await given.store.append({ tenant, actorRef: 'actor', events: [...who.events, fact], rows: who.rows }),
    };
  });
}

describe('a person', () => {
  it('is registered in the same append as the first fact, and found at once', async () => {
    const identifiers = [email('Ada@example.test'), customer('c-1')];
    expect(await given.subjects.lookup(tenant, identifiers)).toEqual([]);
    const { who, at } = await record(identifiers);
    expect(who).toMatchObject({ isNew: true, unlinked: [] });
    expect(at.lastPosition - at.firstPosition).toBe(3);
    const events = await given.store.read(tenant, at.firstPosition, 10);
    expect(events.map((event) => event.type)).toEqual([
      'SubjectRegistered.v1',
      'IdentifierAdded.v1',
      'IdentifierAdded.v1',
      'TestHappened.v1',
    ]);
    expect(await given.subjects.lookup(tenant, [email(' ada@EXAMPLE.test')])).toEqual([who.subject]);
    expect(await given.subjects.resolve(tenant, identifiers)).toEqual({ subject: who.subject, matches: [who.subject] });
    const again = await record(identifiers);
    expect(again.who).toMatchObject({ subject: who.subject, isNew: false, events: [] });
    expect(again.at.lastPosition - again.at.firstPosition).toBe(0);
  });

  it('is one person when many first contacts arrive at once', async () => {
    let registrations = 0;
    const all = await Promise.all(
      Array.from({ length: 40 }, () =>
        record([email('rush@example.test')], {}, (who) => {
          registrations += who.isNew ? 1 : 0;
        }),
      ),
    );
    // None was tried in vain: a collision would split the batch of innocent neighbours.
    expect(registrations).toBe(1);
    expect(new Set(all.map(({ who }) => who.subject)).size).toBe(1);
    expect(all.filter(({ who }) => who.isNew)).toHaveLength(1);
  });

  it('is one person when two replicas register it at once', async () => {
    const other = await openReplica();
    const both = await Promise.all([record([email('twice@example.test')]), other([email('twice@example.test')])]);
    expect(new Set(both.map(({ who }) => who.subject)).size).toBe(1);
    expect(await given.subjects.lookup(tenant, [email('twice@example.test')])).toHaveLength(1);
  });

  it('whom another replica has just erased with every key is somebody new', async () => {
    const { ledger, keys, store, keyStore, sealer, identifiers } = given;
    const gone = email('gone@example.test');
    const { who } = await record([gone]);
    const elsewhere = new Subjects(new IdentifierLookup(ledger.database, keys), sealer);
    expect(await elsewhere.lookup(tenant, [gone])).toEqual([who.subject]);
    const people = new People(ledger.database, sealer);
    await new EraseIdentityHandler(store, keyStore, identifiers, people).execute(
      new EraseIdentity({ tenant, actorRef: 'actor' }, who.subject, keyClasses),
    );
    const again = await elsewhere.record(tenant, [gone], {}, async ({ subject, events, rows }) => {
      await sealer.seal(tenant, subject, 'consent', 'yes', 'test');
      await store.append({ tenant, actorRef: 'actor', events: [...events, fact], rows });
      return subject;
    });
    expect(again).not.toBe(who.subject);
    expect(await elsewhere.lookup(tenant, [gone])).toEqual([again]);
  });

  it('whom another replica has just erased or unlinked is never written about without a look again', async () => {
    const { ledger, keys, store, keyStore, sealer, identifiers } = given;
    const [first, second] = [email('first@example.test'), email('second@example.test')];
    const [other, herself] = [(await record([first])).who.subject, (await record([second])).who.subject];
    const people = new People(ledger.database, sealer);
    const by = { tenant, actorRef: 'actor' };
    const { linkId } = await new LinkSubjectsHandler(store, identifiers, people).execute(
      new LinkSubjects(by, { subjectIds: [other, herself], method: 'attest' }),
    );
    const elsewhere = new Subjects(new IdentifierLookup(ledger.database, keys), sealer);
    expect(await elsewhere.lookup(tenant, [first, second])).toEqual([other]);
    const about = (identifier: Identifier): Promise<SubjectId> =>
      elsewhere.record(tenant, [identifier], {}, async ({ subject, events, rows }) => {
        await store.append({ ...by, events: [...events, fact], rows });
        return subject;
      });
    await new UnlinkSubjectsHandler(ledger.database, store, identifiers, people).execute(
      new UnlinkSubjects(by, { linkId, reason: 'mistake' }),
    );
    expect(await about(second)).toBe(herself);
    await new EraseIdentityHandler(store, keyStore, identifiers, people).execute(new EraseIdentity(by, other));
    expect(await about(first)).not.toBe(other);
  });

  it('of another tenant is unknown', async () => {
    await record([email('wall@example.test')]);
    const elsewhere = await given.newTenant();
    expect(await given.subjects.lookup(elsewhere, [email('wall@example.test')])).toEqual([]);
    expect(given.keys.mac(tenant, 'lookup', 'x')).not.toEqual(given.keys.mac(elsewhere, 'lookup', 'x'));
  });
});

describe('identifiers of two people', () => {
  it('are refused as ambiguous, and nothing is appended', async () => {
    await record([email('one@example.test')]);
    await record([email('two@example.test')]);
    const { size } = await given.store.head(tenant);
    const both = [email('one@example.test'), email('two@example.test')];
    await expect(given.subjects.resolve(tenant, both)).rejects.toMatchObject({
      status: 409,
      code: 'subject-ambiguous',
    });
    await expect(record(both, { mayLink: true })).rejects.toMatchObject({ code: 'subject-ambiguous' });
    expect(await given.subjects.lookup(tenant, both)).toHaveLength(2);
    expect((await given.store.head(tenant)).size).toBe(size);
  });
});

describe('an unknown identifier beside a known one', () => {
  it('is not linked without the right to link', async () => {
    const { who } = await record([email('known@example.test')]);
    const later = await record([email('known@example.test'), email('known@example.test'), customer('intruder')]);
    expect(later.who).toMatchObject({ subject: who.subject, isNew: false, unlinked: [2], events: [] });
    expect(await given.subjects.lookup(tenant, [customer('intruder')])).toEqual([]);
  });

  it('is added with the right to link, and the negative cache forgets it', async () => {
    const { who } = await record([email('linker@example.test')]);
    expect(await given.subjects.lookup(tenant, [customer('mine')])).toEqual([]);
    const later = await record([email('linker@example.test'), customer('mine')], { mayLink: true });
    expect(later.who).toMatchObject({ subject: who.subject, isNew: false, unlinked: [] });
    expect(await given.subjects.lookup(tenant, [customer('mine')])).toEqual([who.subject]);
  });
});

describe('what is sealed in the ledger', () => {
  it('holds neither the plain value nor any keyed hash of it', async () => {
    const canary = 'canary-7f3a@example.test';
    const { at } = await record([email(canary), customer('CANARY-77')]);
    const { rows } = await given.ledger.superuser.query<{ bytes: string }>(
      'SELECT bytes FROM event WHERE tenant = $1 AND position BETWEEN $2 AND $3',
      [tenant, at.firstPosition, at.lastPosition],
    );
    const bytes = rows.map((row) => row.bytes).join('\n');
    const { rows: stored } = await given.ledger.superuser.query<{ mac: Buffer }>(
      'SELECT mac FROM subject_identifier WHERE tenant = $1',
      [tenant],
    );
    expect(stored.length).toBeGreaterThan(2);
    const needles = [canary, 'canary-7f3a', 'CANARY-77', Buffer.from(canary).toString('base64').slice(0, 16)];
    for (const { mac } of stored) needles.push(mac.toString('hex'), mac.toString('base64'), mac.toString('base64url'));
    // The control: the same search finds what is there.
    expect(bytes).toContain('IdentifierAdded.v1');
    expect(rows).toHaveLength(4);
    for (const needle of needles) expect(bytes.toLowerCase()).not.toContain(needle.toLowerCase());
    const { rows: table } = await given.ledger.superuser.query<{ text: string }>(
      'SELECT row_to_json(i)::text AS text FROM subject_identifier i WHERE tenant = $1',
      [tenant],
    );
    expect(table.map((row) => row.text).join()).not.toContain('canary-7f3a');
  });
});

describe('the lookup on the hot path', () => {
  it('asks the database once', async () => {
    await record([email('hot@example.test')]);
    const hot = [email('hot@example.test')];
    await given.subjects.lookup(tenant, hot);
    const { fetch } = given.ledger.database;
    let reads = 0;
    given.ledger.database.fetch = (...call) => {
      reads += 1;
      return fetch.apply(given.ledger.database, call) as never;
    };
    const started = process.hrtime.bigint();
    for (let index = 0; index < 5000; index++) await given.subjects.lookup(tenant, hot);
    const micros = Number(process.hrtime.bigint() - started) / 1000 / 5000;
    given.ledger.database.fetch = fetch;
    expect(reads).toBe(0);
    expect(micros).toBeLessThan(200);
  });
});

describe('a lookup that was overtaken', () => {
  it('by a registration is not remembered', async () => {
    const late = [email('overtaken@example.test')];
    const { fetch } = given.ledger.database;
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    given.ledger.database.fetch = async (...call) => {
      const rows = await fetch.apply(given.ledger.database, call);
      await held;
      return rows as never;
    };
    const overtaken = given.subjects.lookup(tenant, late);
    await new Promise((resolve) => setTimeout(resolve, 50));
    given.ledger.database.fetch = fetch;
    const { who } = await record(late);
    release();
    expect(await overtaken).toEqual([]);
    expect(await given.subjects.lookup(tenant, late)).toEqual([who.subject]);
  });
});

/** A second process over the same database and keys: its own queue, caches and connections. */
async function openReplica(): Promise<(identifiers: Identifier[]) => Promise<{ who: { subject: SubjectId } }>> {
  const [{ EventStore }, { IdentifierLookup }, { KeyStore }, { Sealer }, { Subjects }] = await Promise.all([
    import('#ledger'),
    import('./identifier-lookup.js'),
    import('./keys/keystore.js'),
    import('./keys/sealer.js'),
    import('./subjects.js'),
  ]);
  const store = new EventStore(given.ledger.database, given.clock);
  const subjects = new Subjects(
    new IdentifierLookup(given.ledger.database, given.keys),
    new Sealer(new KeyStore(given.vault.database, given.keys, given.clock)),
  );
  return (identifiers) =>
    subjects.record(tenant, identifiers, {}, async (who) => {
      await store.append({ tenant, actorRef: 'actor', events: [...who.events, fact], rows: who.rows });
      return { who };
    });
}
