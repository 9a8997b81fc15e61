/** Keys of people on a real PostgreSQL: group commit, sealing, shredding. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type SubjectId, type TenantId } from '#kernel';
import { KeyStore, keyClasses } from './keystore.js';
import { isSealed, Sealer } from './sealer.js';
import { keystoreMigrations } from './keystore.migrations.js';
import { openSubjects, type SubjectsFixture } from '../../../../test/support/subjects-fixture.js';
import { createTestDatabase } from '../../../../test/support/test-database.js';

let given: SubjectsFixture;
let tenant: TenantId;
beforeAll(async () => {
  given = await openSubjects();
  tenant = given.tenant;
});
afterAll(() => given.close());

const somebody = (): SubjectId => newId() as SubjectId;

/** A second process: no cache shared. */
function replica(): { keyStore: KeyStore; sealer: Sealer } {
  const keyStore = new KeyStore(given.vault.database, given.keys, given.clock);
  return { keyStore, sealer: new Sealer(keyStore) };
}

describe('keys of people', () => {
  it('of 256 new people at once are stored in a handful of commits', async () => {
    const before = given.keyStore.commits;
    const people = Array.from({ length: 256 }, somebody);
    const sealed = await Promise.all(people.map((one) => given.sealer.seal(tenant, one, 'identity', one, 'test')));
    expect(given.keyStore.commits - before).toBeLessThanOrEqual(2);
    const { rows } = await given.vault.superuser.query(
      'SELECT FROM subject_key WHERE tenant = $1 AND subject = ANY($2)',
      [tenant, people],
    );
    expect(rows).toHaveLength(256);
    const opened = await Promise.all(sealed.map((one) => replica().sealer.open(tenant, one, 'test')));
    expect(opened).toEqual(people.map((value) => ({ readable: true, value })));
  });

  it('are the same for two replicas that make them at once', async () => {
    const one = somebody();
    const [a, b] = [replica(), replica()];
    const [first, second] = await Promise.all([
      a.sealer.seal(tenant, one, 'case', 'a', 'test'),
      b.sealer.seal(tenant, one, 'case', 'b', 'test'),
    ]);
    expect(await b.sealer.open(tenant, first, 'test')).toEqual({ readable: true, value: 'a' });
    expect(await a.sealer.open(tenant, second, 'test')).toEqual({ readable: true, value: 'b' });
  });

  it('stand wrapped in their table', async () => {
    const one = somebody();
    const key = (await given.keyStore.keyFor(tenant, one, 'identity')).export();
    const { rows } = await given.vault.superuser.query<{ wrapped: Buffer }>(
      'SELECT wrapped FROM subject_key WHERE subject = $1',
      [one],
    );
    expect(rows[0]!.wrapped).toHaveLength(12 + 32 + 16);
    expect(rows[0]!.wrapped.includes(key)).toBe(false);
  });
});

describe('a sealed value', () => {
  it('opens only for its tenant, subject, class and place, unchanged', async () => {
    const one = somebody();
    const sealed = await given.sealer.seal(tenant, one, 'consent', { text: 'x' }, 'consent/evidence');
    expect(isSealed(sealed)).toBe(true);
    expect(JSON.stringify(sealed)).not.toContain('"x"');
    const open = (changed: object, place = 'consent/evidence') =>
      given.sealer.open(tenant, { ...sealed, ...changed }, place);
    expect(await open({})).toEqual({ readable: true, value: { text: 'x' } });
    expect(await open({}, 'consent/method')).toEqual({ readable: false, reason: 'changed' });
    expect(await open({ t: sealed.t.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')) })).toEqual({
      readable: false,
      reason: 'changed',
    });
    expect(await open({ t: '' })).toEqual({ readable: false, reason: 'changed' });
    expect(await open({ n: '' })).toEqual({ readable: false, reason: 'changed' });
    expect(await open({ c: 'case' })).toEqual({ readable: false, reason: 'none' });
    expect(await given.sealer.open(await given.newTenant(), sealed, 'consent/evidence')).toEqual({
      readable: false,
      reason: 'none',
    });
  });
});

describe('shredding', () => {
  it('makes what was sealed unreadable, class by class', async () => {
    const one = somebody();
    const [identity, consent] = [
      await given.sealer.seal(tenant, one, 'identity', 'Ada', 'p'),
      await given.sealer.seal(tenant, one, 'consent', 'yes', 'p'),
    ];
    // The control: before, both can be read, also by a process without cache.
    expect(await replica().sealer.open(tenant, identity, 'p')).toEqual({ readable: true, value: 'Ada' });
    const destroyed = await given.keyStore.shred(tenant, one, ['identity', 'access']);
    expect(destroyed.map((one) => [one.class, one.hadKey])).toEqual([
      ['identity', true],
      ['access', false],
    ]);
    for (const sealer of [given.sealer, replica().sealer]) {
      expect(await sealer.open(tenant, identity, 'p')).toEqual({ readable: false, reason: 'shredded' });
      expect(await sealer.open(tenant, consent, 'p')).toEqual({ readable: true, value: 'yes' });
    }
    const { rows } = await given.vault.superuser.query(
      'SELECT wrapped FROM subject_key WHERE subject = $1 AND class = $2',
      [one, 'identity'],
    );
    expect(rows).toEqual([{ wrapped: null }]);
  });

  it('is not undone by a read that it overtook', async () => {
    const one = somebody();
    const sealed = await given.sealer.seal(tenant, one, 'identity', 'Ada', 'p');
    const { keyStore, sealer } = replica();
    const { fetch } = given.vault.database;
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    given.vault.database.fetch = async (...call) => {
      const rows = await fetch.apply(given.vault.database, call);
      await held;
      return rows as never;
    };
    const overtaken = sealer.open(tenant, sealed, 'p');
    await new Promise((resolve) => setTimeout(resolve, 50));
    given.vault.database.fetch = fetch;
    await keyStore.shred(tenant, one, ['identity']);
    release();
    expect(await overtaken).toEqual({ readable: true, value: 'Ada' });
    expect(await sealer.open(tenant, sealed, 'p')).toEqual({ readable: false, reason: 'shredded' });
  });

  it('lets no late writer begin a new key, and may be repeated', async () => {
    const one = somebody();
    const first = await given.keyStore.shred(tenant, one, keyClasses);
    const again = await given.keyStore.shred(tenant, one, keyClasses);
    expect(again).toEqual(first);
    await expect(given.sealer.seal(tenant, one, 'identity', 'late', 'p')).rejects.toMatchObject({
      status: 409,
      code: 'subject-erased',
    });
  });
});

describe('a key directory of another installation', () => {
  it('is refused', async () => {
    const { FileKeys } = await import('#platform');
    const other = await FileKeys.open(`${given.keyDirectory}-other`);
    await expect(new KeyStore(given.vault.database, other, given.clock).assertRing()).rejects.toThrow('do not belong');
    await expect(given.keyStore.assertRing()).resolves.toBeUndefined();
  });
});

describe('an empty key store', () => {
  it('beside tenants is refused at every start, and begins beside none', async () => {
    const empty = await createTestDatabase(keystoreMigrations);
    try {
      const store = new KeyStore(empty.database, given.keys, given.clock);
      for (let start = 0; start < 2; start += 1)
        await expect(store.assertRing(() => Promise.resolve(true))).rejects.toThrow('lethe restore --complete --keys');
      await store.assertRing();
      await store.assertRing(() => Promise.resolve(true));
    } finally {
      await empty.drop();
    }
  });
});
