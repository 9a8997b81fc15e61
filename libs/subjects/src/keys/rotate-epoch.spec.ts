/** Epochs end: survivors live on, and yesterday's backup of the key store opens nothing more. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, TestClock, type SubjectId, type TenantId } from '#kernel';
import { declareEvents } from '#ledger';
import { FileKeys, KeyUnavailable } from '#platform';
import { openSubjects, type SubjectsFixture } from '../../../../test/support/subjects-fixture.js';
import { until } from '../../../../test/support/until.js';
import { keysStream, KeyRotation, type RotationParts } from './key-rotation.js';
import { KeyStore } from './keystore.js';
import { epochHorizon, rotateEpoch, type Rotation, type RotationStep } from './rotate-epoch.js';
import { Sealer, type Sealed } from './sealer.js';

declareEvents('Counted.v1');

let given: SubjectsFixture;
beforeAll(async () => {
  given = await openSubjects();
});
afterAll(() => given.close());

/** A restored process: no caches, keys read from the directory as it is now. */
async function restored(): Promise<Sealer> {
  return new Sealer(new KeyStore(given.vault.database, await FileKeys.open(given.keyDirectory), given.clock));
}

async function backup(table = 'subject_key'): Promise<() => Promise<void>> {
  const { rows } = await given.vault.superuser.query<Record<string, unknown>>(`SELECT * FROM ${table}`);
  return async () => {
    await given.vault.superuser.query(`DELETE FROM ${table}`);
    for (const row of rows) {
      const names = Object.keys(row);
      await given.vault.superuser.query(
        `INSERT INTO ${table} (${names.join()}) VALUES (${names.map((_, index) => `$${index + 1}`).join()})`,
        Object.values(row),
      );
    }
  };
}

describe('an epoch that ends', () => {
  it('takes what was shredded out of the backups, and nothing else out of the living', async () => {
    const tenants = [given.tenant, await given.newTenant()];
    const [gone, stays] = [newId() as SubjectId, newId() as SubjectId];
    const sealed: Record<string, Sealed> = {};
    for (const tenant of tenants) {
      sealed[`gone${tenant}`] = await given.sealer.seal(tenant, gone, 'identity', 'gone', 'p');
      sealed[`stays${tenant}`] = await given.sealer.seal(tenant, stays, 'identity', 'stays', 'p');
    }
    const restore = await backup();
    for (const tenant of tenants) await given.keyStore.shred(tenant, gone, ['identity']);
    // The control: before the epoch ends, yesterday's backup brings the erased person back.
    await restore();
    expect(await (await restored()).open(given.tenant, sealed[`gone${given.tenant}`]!, 'p')).toEqual({
      readable: true,
      value: 'gone',
    });
    for (const tenant of tenants) await given.keyStore.shred(tenant, gone, ['identity']);

    const rotation = await rotateEpoch(given.keyStore);
    expect(rotation).toMatchObject({ rewrapped: 2, destroyed: [expect.any(String)] });
    expect((await epochHorizon(given.keyStore)).horizon).toEqual(rotation.horizon);
    for (const tenant of tenants) {
      expect(await (await restored()).open(tenant, sealed[`stays${tenant}`]!, 'p')).toEqual({
        readable: true,
        value: 'stays',
      });
    }
    await restore();
    for (const tenant of tenants) {
      expect(await (await restored()).open(tenant, sealed[`gone${tenant}`]!, 'p')).toEqual({
        readable: false,
        reason: 'destroyed',
      });
    }
  });

  it('ends also for a key store that was set back to before its end, as does every later one', async () => {
    await given.sealer.seal(given.tenant, newId() as SubjectId, 'identity', 'stays', 'p');
    const back = await Promise.all(['key_epoch_tenant', 'key_epoch', 'subject_key'].map(backup));
    const { destroyed } = await rotateEpoch(given.keyStore);
    for (const restore of back) await restore();
    const again = await rotateEpoch(given.keyStore);
    expect(again.destroyed).toEqual(expect.arrayContaining(destroyed));
    expect(await epochHorizon(given.keyStore)).toMatchObject({ living: 1, horizon: again.horizon });
    expect(await rotateEpoch(given.keyStore)).toMatchObject({ destroyed: [again.epoch] });
  });

  it('loses no key that is made meanwhile', async () => {
    const sealed: { one: SubjectId; value: Sealed }[] = [];
    let rotating = true;
    const writers = Array.from({ length: 4 }, async () => {
      const sealer = new Sealer(
        new KeyStore(given.vault.database, await FileKeys.open(given.keyDirectory), given.clock),
      );
      while (rotating) {
        const one = newId() as SubjectId;
        sealed.push({ one, value: await sealer.seal(given.tenant, one, 'case', one, 'p') });
      }
    });
    for (let round = 0; round < 5; round++) await rotateEpoch(given.keyStore);
    rotating = false;
    await Promise.all(writers);
    await rotateEpoch(given.keyStore);
    expect(sealed.length).toBeGreaterThan(10);
    const sealer = await restored();
    const opened = await Promise.all(sealed.map(({ value }) => sealer.open(given.tenant, value, 'p')));
    expect(opened).toEqual(sealed.map(({ one }) => ({ readable: true, value: one })));
  });

  it('between the reading and the opening of a key makes nobody unreadable', async () => {
    const one = newId() as SubjectId;
    const value = await given.sealer.seal(given.tenant, one, 'case', 'kept', 'p');
    const keys = await FileKeys.open(given.keyDirectory);
    let rotated = false;
    const unwrap: FileKeys['unwrap'] = async (...key) => {
      if (!rotated) await rotateEpoch(given.keyStore);
      rotated = true;
      return keys.unwrap(...key);
    };
    const provider = Object.create(keys, { unwrap: { value: unwrap } }) as FileKeys;
    const sealer = new Sealer(new KeyStore(given.vault.database, provider, given.clock));
    expect(await sealer.open(given.tenant, value, 'p')).toEqual({ readable: true, value: 'kept' });
  });

  it('ends again when an old copy of the key directory brought its key back', async () => {
    const old = await given.keys.currentEpoch();
    const [file, mark] = ['key', 'destroyed'].map((ending) => join(given.keyDirectory, `kek-${old}.${ending}`));
    const escrowed = readFileSync(file!);
    await rotateEpoch(given.keyStore);
    expect(existsSync(file!)).toBe(false);
    // The copy is from before the rotation: it knows of no destruction.
    rmSync(mark!);
    writeFileSync(file!, escrowed, { mode: 0o600 });
    const keys = await FileKeys.open(given.keyDirectory);
    expect(await keys.epochKeyId(old)).toBeDefined();
    await new KeyStore(given.vault.database, keys, given.clock).assertRing();
    expect(existsSync(file!)).toBe(false);
    expect(await keys.epochKeyId(old)).toBeUndefined();
  });

  it('twice at once, by two replicas, loses nobody: the one that is overtaken says so, and a repeat ends it', async () => {
    const people = Array.from({ length: 40 }, () => newId() as SubjectId);
    const sealed = await Promise.all(people.map((one) => given.sealer.seal(given.tenant, one, 'case', one, 'p')));
    for (let round = 0; round < 3; round++) {
      const replicas = await Promise.all(
        [1, 2].map(
          async () => new KeyStore(given.vault.database, await FileKeys.open(given.keyDirectory), given.clock),
        ),
      );
      const ended = await Promise.allSettled(replicas.map((replica) => rotateEpoch(replica)));
      for (const one of ended) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(KeyUnavailable);
    }
    await rotateEpoch(given.keyStore);
    const sealer = await restored();
    const opened = await Promise.all(sealed.map((one) => sealer.open(given.tenant, one, 'p')));
    expect(opened).toEqual(people.map((one) => ({ readable: true, value: one })));
    const kept = readdirSync(given.keyDirectory).filter((file) => /^kek-.*\.key$/.test(file));
    expect(kept).toHaveLength(1);
  });

  it('is in no replica’s memory a moment later, also of one that makes no keys', async () => {
    const keys = await FileKeys.open(given.keyDirectory);
    const there = new KeyStore(given.vault.database, keys, given.clock);
    await there.join();
    try {
      const epoch = await given.keys.currentEpoch();
      const { wrapped } = await given.keys.wrap(given.tenant, Buffer.alloc(32, 7));
      expect(await keys.unwrap(given.tenant, epoch, wrapped)).toEqual(Buffer.alloc(32, 7));
      await rotateEpoch(given.keyStore);
      const reason = (): Promise<unknown> =>
        keys.unwrap(given.tenant, epoch, wrapped).catch((error: KeyUnavailable) => error.reason);
      await until('it is forgotten', async () => (await reason()) === 'destroyed', 5_000);
    } finally {
      await there.onApplicationShutdown();
    }
  });
});

describe('an epoch whose end was interrupted', () => {
  const HOUR = 3_600_000;
  const clock = new TestClock(new Date('2026-11-02T09:00:00Z'));
  let there: SubjectsFixture;
  beforeEach(async () => {
    there = await openSubjects(clock);
  });
  afterEach(() => there.close());

  const hourly = (): Promise<Rotation | undefined> => {
    const wish = { now: clock.now(), epochMs: 30 * 24 * HOUR, restMs: 12 * HOUR };
    return new KeyRotation({ keyStore: there.keyStore } as RotationParts).dueEpochs([], 'system:housekeeping', wish);
  };
  const interrupted = async (after: RotationStep): Promise<string> => {
    const old = await there.keys.currentEpoch();
    for (const tenant of [there.tenant, await there.newTenant()])
      await there.sealer.seal(tenant, newId() as SubjectId, 'identity', 'x', 'p');
    const tell = (step: RotationStep): void => {
      if (step === after) throw new Error('crash');
    };
    await expect(rotateEpoch(there.keyStore, { tell })).rejects.toThrow('crash');
    return old;
  };

  it('is wrapped anew at the next look, and destroyed half a day after that, never at once', async () => {
    const old = await interrupted('batch-rewrapped');
    clock.advance(13 * HOUR);
    expect(await hourly()).toMatchObject({ rewrapped: 1, destroyed: [] });
    clock.advance(11 * HOUR);
    expect(await hourly()).toMatchObject({ rewrapped: 0, destroyed: [] });
    clock.advance(HOUR);
    expect(await hourly()).toMatchObject({ destroyed: [old] });
    expect(await hourly()).toBeUndefined();
  });

  it('goes on also when the old one was not retired yet', async () => {
    const old = await interrupted('epoch-begun');
    clock.advance(HOUR);
    expect(await hourly()).toMatchObject({ rewrapped: 2, destroyed: [] });
    clock.advance(12 * HOUR);
    expect(await hourly()).toMatchObject({ destroyed: [old] });
  });

  describe('after it was over', () => {
    const epochFacts = async (tenant: TenantId): Promise<object[]> =>
      (await there.store.load(tenant, keysStream)).map(({ data }) => data);
    const begun = async (): Promise<TenantId> => {
      const tenant = await there.newTenant();
      await there.store.append({ tenant, actorRef: 'system', events: [{ stream: 'x', type: 'Counted.v1', data: {} }] });
      return tenant;
    };
    const look = (tenants: TenantId[]): Promise<unknown> =>
      new KeyRotation({ keyStore: there.keyStore, store: there.store } as RotationParts).dueEpochs(tenants, 'system', {
        ...{ now: clock.now(), epochMs: 30 * 24 * HOUR, restMs: 12 * HOUR },
      });

    it('is said in every log at the next look, once, and in none that is younger', async () => {
      const tenants = [await begun(), await begun()];
      const old = await interrupted('end-recorded');
      const fact = { kind: 'epoch', keyId: await there.keys.currentEpoch(), destroyed: [old] };
      clock.advance(HOUR);
      tenants.push(await begun());
      await look(tenants);
      await look(tenants);
      expect(await Promise.all(tenants.map(epochFacts))).toEqual([[fact], [fact], []]);
    });

    it('is said in the others when one of them takes nothing', async () => {
      const tenants = [await begun(), await begun()];
      await interrupted('end-recorded');
      const load = there.store.load.bind(there.store);
      there.store.load = (tenant, stream) =>
        tenant === tenants[0] ? Promise.reject(new Error('unreadable')) : load(tenant, stream);
      await expect(look(tenants)).rejects.toThrow('unreadable');
      there.store.load = load;
      expect((await Promise.all(tenants.map(epochFacts))).map((facts) => facts.length)).toEqual([0, 1]);
      await look(tenants);
      expect((await Promise.all(tenants.map(epochFacts))).map((facts) => facts.length)).toEqual([1, 1]);
    });

    it('and begun anew is said with what began', async () => {
      const tenant = await begun();
      await there.sealer.seal(tenant, newId() as SubjectId, 'identity', 'x', 'p');
      await look([tenant]);
      expect(await epochFacts(tenant)).toEqual([]);
      clock.advance(31 * 24 * HOUR);
      await look([tenant]);
      await look([tenant]);
      expect(await epochFacts(tenant)).toEqual([
        { kind: 'epoch', keyId: await there.keys.currentEpoch(), destroyed: [] },
      ]);
    });
  });
});
