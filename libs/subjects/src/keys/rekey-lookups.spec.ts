/** A lookup key is replaced under load on three replicas: nobody is missed, and nobody is registered twice. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SubjectId } from '#kernel';
import { LogReader, type InlineRow, type NewEvent } from '#ledger';
import { FileKeys } from '#platform';
import { until } from '../../../../test/support/until.js';
import { openSubjects, type SubjectsFixture } from '../../../../test/support/subjects-fixture.js';
import { IdentifierLookup } from '../identifier-lookup.js';
import { KeyRotation } from './key-rotation.js';
import { KeyStore } from './keystore.js';
import { lookupKeyState } from './rekey-lookups.js';
import { Sealer, type Sealed } from './sealer.js';
import { identifierPlace } from '../subject.js';
import { Subjects } from '../subjects.js';

const LONG = process.env['LETHE_TEST_LONG'] !== undefined;
const PEOPLE = LONG ? 2_000 : 300;
const ROTATIONS = LONG ? 6 : 2;

interface Process {
  identifiers: IdentifierLookup;
  subjects: Subjects;
}

let given: SubjectsFixture;
const processes: Process[] = [];
const known = new Map<string, SubjectId>();
beforeAll(async () => {
  given = await openSubjects();
  for (let at = 0; at < 3; at++) processes.push(await aProcess());
  const emails = Array.from({ length: PEOPLE }, (_, at) => `person${at}@example.test`);
  await Promise.all(emails.map(async (email) => known.set(email, await record(processes[0]!, email))));
}, 60_000);
afterAll(() => given.close());

async function aProcess(): Promise<Process> {
  const keys = await FileKeys.open(given.keyDirectory);
  const sealer = new Sealer(new KeyStore(given.vault.database, keys, given.clock));
  const identifiers = new IdentifierLookup(given.ledger.database, keys);
  return { identifiers, subjects: new Subjects(identifiers, sealer) };
}

/** First contact, or a further one. */
function record({ subjects }: Process, email: string): Promise<SubjectId> {
  return subjects.record(given.tenant, [{ type: 'email', value: email }], {}, async (who) => {
    if (who.events.length > 0)
      await given.store.append({ tenant: given.tenant, actorRef: 'system', events: who.events, rows: who.rows });
    return who.subject;
  });
}

function rotation(): KeyRotation {
  const logKeys = { publicKey: () => Promise.reject(new Error()), sign: () => Promise.reject(new Error()) };
  const reader = new LogReader(given.ledger.database, 'lethe.example.test', logKeys);
  const { store, keys, keyStore, sealer } = given;
  return new KeyRotation({ store, reader, keys, keyStore, sealer });
}

const random = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!;

describe('a lookup key that is replaced under load', () => {
  it('misses nobody and registers nobody twice', async () => {
    const emails = [...known.keys()];
    const wrong: string[] = [];
    const newcomers = new Map<string, Set<SubjectId>>();
    let running = true;
    let looks = 0;
    const looking = processes.map(async ({ identifiers, subjects }, at) => {
      while (running) {
        const email = random(emails);
        // What is remembered cannot miss: every second look reads.
        if (looks++ % 2 === 0) identifiers.invalidate(given.tenant);
        const found = await subjects.lookup(given.tenant, [{ type: 'email', value: email }]);
        if (found.length !== 1 || found[0] !== known.get(email)) wrong.push(`${at}: ${email} ${found.length}`);
      }
    });
    const registering = processes.map(async (process) => {
      for (let at = 0; running; at++) {
        const email = `newcomer${at}@example.test`;
        const people = newcomers.get(email) ?? new Set();
        newcomers.set(email, people);
        people.add(await record(process, email));
      }
    });
    for (let round = 0; round < ROTATIONS; round++) {
      const rekeyed = await rotation().lookup(given.tenant, 'system');
      expect(rekeyed).toMatchObject({ unreadable: 0, finished: true });
      expect(rekeyed.rows).toBeGreaterThanOrEqual(PEOPLE);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // However busy the machine is.
    await until('enough newcomers and looks', () => newcomers.size > 10 && looks > 50);
    running = false;
    await Promise.all([...looking, ...registering]);
    expect(wrong).toEqual([]);
    expect([...newcomers].filter(([, people]) => people.size !== 1)).toEqual([]);
    if (LONG) console.info({ rotations: ROTATIONS, people: PEOPLE, looks, newcomers: newcomers.size });
    expect(await lookupKeyState(given.ledger.database, given.tenant)).toMatchObject({ generation: ROTATIONS + 1 });
    await assertRows();
  }, 90_000);

  /** Every row under the newest key, and no value twice. */
  async function assertRows(): Promise<void> {
    const { rows } = await given.ledger.superuser.query<{ id: string; value: string; mac_key: number }>(
      'SELECT id, value, mac_key FROM subject_identifier WHERE tenant = $1',
      [given.tenant],
    );
    expect(rows.filter(({ mac_key }) => mac_key !== ROTATIONS + 1)).toEqual([]);
    const opened = await Promise.all(
      rows.map(({ id, value }) => given.sealer.open(given.tenant, JSON.parse(value) as Sealed, identifierPlace(id))),
    );
    expect(new Set(opened.map((one) => JSON.stringify(one))).size).toBe(rows.length);
  }

  it('refuses a hash under the old key, and its writer looks again', async () => {
    const tenant = await given.newTenant();
    const [one, two] = [await aProcess(), await aProcess()];
    const email = [{ type: 'email', value: 'at-once@example.test' }];
    const store = (who: { events: NewEvent[]; rows: InlineRow[] }): Promise<unknown> =>
      given.store.append({ tenant, actorRef: 'system', events: who.events, rows: who.rows });
    let first: SubjectId | undefined;
    let attempts = 0;
    // Between the look of the one and its append, the key is replaced and the other registers the same person.
    const second = await one.subjects.record(tenant, email, {}, async (who) => {
      if (++attempts === 1) {
        await rotation().lookup(tenant, 'system');
        first = await two.subjects.record(tenant, email, {}, async (other) => (await store(other), other.subject));
      }
      if (who.events.length > 0) await store(who);
      return who.subject;
    });
    expect([second, attempts]).toEqual([first, 2]);
  });

  it('is finished by the next call when it was interrupted, and is a fact without secrets', async () => {
    const tenant = await given.newTenant();
    const one = await given.subjects.record(
      tenant,
      [{ type: 'email', value: 'late@example.test' }],
      {},
      async (who) => {
        await given.store.append({ tenant, actorRef: 'system', events: who.events, rows: who.rows });
        return who.subject;
      },
    );
    const broken = new KeyRotation({
      ...{ store: given.store, keys: given.keys, keyStore: given.keyStore },
      reader: new LogReader(given.ledger.database, 'x', {
        publicKey: async () => Buffer.alloc(32),
        sign: async () => Buffer.alloc(64),
      }),
      sealer: Object.create(given.sealer, { open: { value: () => Promise.reject(new Error('planted')) } }) as Sealer,
    });
    await expect(broken.lookup(tenant, 'system')).rejects.toThrow('planted');
    const ask = async (): Promise<SubjectId[]> =>
      (await aProcess()).subjects.lookup(tenant, [{ type: 'email', value: 'late@example.test' }]);
    expect(await ask()).toEqual([one]);
    expect(await rotation().lookup(tenant, 'system')).toMatchObject({ rows: 1, finished: true });
    expect(await ask()).toEqual([one]);
    const facts = await given.store.load(tenant, 'keys');
    expect(facts.map(({ data }) => data)).toEqual([
      { kind: 'lookup', generation: 2, keyId: expect.any(String), previousKeyId: given.keys.macKeyId('lookup', 1) },
    ]);
  });
});
