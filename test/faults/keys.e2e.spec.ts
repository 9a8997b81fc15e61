/** Keys under faults: epochs that end while everything runs, rotations that are killed, replicas that are frozen. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type SubjectId } from '#kernel';
import { Database } from '#ledger';
import { FileKeys } from '#platform';
import { epochHorizon, KeyStore, rotateEpoch, Sealer, type RotationStep, type Sealed } from '#subjects';
import { openSubjects, type SubjectsFixture } from '../support/subjects-fixture.js';
import { until } from '../support/until.js';

const LONG = process.env['LETHE_TEST_LONG'] !== undefined;
const ROUNDS = LONG ? 25 : 3;
/** Of a reading process, after a shredding was claimed. */
const LOOKS = 50;
/** Minutes of waiting for silence are for CI. */
const itLong = LONG ? it : it.skip;
const steps: RotationStep[] = [
  'epoch-begun',
  'old-epochs-retired',
  'batch-rewrapped',
  'survivors-rewrapped',
  'old-epoch-destroyed',
  'end-recorded',
];

let given: SubjectsFixture;
const children: ChildProcess[] = [];
beforeAll(async () => {
  given = await openSubjects();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await given.close();
});

const somebody = (): SubjectId => newId() as SubjectId;
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A process without anything in memory. */
async function fresh(): Promise<{ keyStore: KeyStore; sealer: Sealer }> {
  const keyStore = new KeyStore(given.vault.database, await FileKeys.open(given.keyDirectory), given.clock);
  return { keyStore, sealer: new Sealer(keyStore) };
}

function start(...words: string[]): { child: ChildProcess; lines: string[]; ended: Promise<string> } {
  const script = join(import.meta.dirname, '../support/key-replica.mjs');
  const child = spawn(process.execPath, [script, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines: string[] = [];
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  const ended = new Promise<string>((resolve) =>
    child.once('close', (code, signal) => resolve(String(signal ?? code))),
  );
  return { child, lines, ended };
}

/** Seals, opens and shreds until told to stop; counts what failed and what could not be read. */
class Load {
  readonly failed: string[] = [];
  readonly sealed: { one: SubjectId; value: Sealed }[] = [];
  calls = 0;
  private readonly shredded = new Set<SubjectId>();
  private running = true;
  private readonly workers: Promise<void>[];

  constructor(writers: number) {
    this.workers = Array.from({ length: writers }, (_, at) => this.work(at));
  }

  /** Resolves after some more calls: what follows happens under load, however slow the machine is. */
  async goesOn(): Promise<void> {
    const wanted = this.calls + 10;
    await until(`${wanted} calls`, () => this.calls + this.failed.length >= wanted);
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.workers);
  }

  /** Everything that was sealed and not shredded, opened by a process without memory. */
  async unreadable(): Promise<number> {
    const { sealer } = await fresh();
    const alive = this.sealed.filter(({ one }) => !this.shredded.has(one));
    const opened = await Promise.all(alive.map(({ value }) => sealer.open(given.tenant, value, 'p')));
    return opened.filter(({ readable }) => !readable).length;
  }

  private async work(at: number): Promise<void> {
    while (this.running) {
      const { keyStore, sealer } = await fresh();
      try {
        const one = somebody();
        const value = await sealer.seal(given.tenant, one, 'identity', one, 'p');
        this.sealed.push({ one, value });
        const back = this.sealed[Math.floor(Math.random() * this.sealed.length)]!;
        const before = this.shredded.has(back.one);
        const opened = await (await fresh()).sealer.open(given.tenant, back.value, 'p');
        if (!opened.readable && !before && !this.shredded.has(back.one)) this.failed.push(opened.reason);
        if (at === 0 && this.calls % 5 === 0) {
          this.shredded.add(one);
          await keyStore.shred(given.tenant, one, ['identity']);
        }
        this.calls += 1;
      } catch (error) {
        this.failed.push((error as Error).message);
      }
    }
  }
}

describe('an epoch that ends under load', () => {
  it('fails no call and leaves nothing unreadable', async () => {
    const load = new Load(4);
    const { keyStore } = await fresh();
    const lasted: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const begun = performance.now();
      await rotateEpoch(keyStore);
      lasted.push(Math.round(performance.now() - begun));
      await load.goesOn();
    }
    await load.stop();
    expect(load.failed).toEqual([]);
    expect(await load.unreadable()).toBe(0);
    if (LONG) console.info({ rotations: ROUNDS, calls: load.calls, keys: load.sealed.length, ms: spread(lasted) });
  }, 300_000);

  it.each(LONG ? steps : steps.slice(2, 3))(
    'is finished by the next rotation when killed at: %s',
    async (step) => {
      const load = new Load(2);
      await load.goesOn();
      const killed = start('rotate', given.vault.urls.appUrl, given.keyDirectory, step);
      expect(await killed.ended).toBe('SIGKILL');
      expect(killed.lines.at(-1)).toBe(step);
      const finished = start('rotate', given.vault.urls.appUrl, given.keyDirectory, '-');
      expect(await finished.ended).toBe('0');
      await load.stop();
      expect(load.failed).toEqual([]);
      expect(await load.unreadable()).toBe(0);
      // One epoch lives; every other one is destroyed and recorded as such.
      const { rows } = await given.vault.superuser.query('SELECT epoch FROM key_epoch WHERE destroyed_at IS NULL');
      expect(rows).toEqual([{ epoch: await (await FileKeys.open(given.keyDirectory)).currentEpoch() }]);
      expect((await epochHorizon((await fresh()).keyStore)).horizon).not.toBeNull();
    },
    240_000,
  );

  it('is kept while any key needs it', async () => {
    const { keyStore } = await fresh();
    const epoch = await given.keys.currentEpoch();
    const stranger = await given.newTenant();
    await given.vault.superuser.query('INSERT INTO key_epoch_tenant (epoch, tenant) VALUES ($1, $2)', [
      'other',
      stranger,
    ]);
    await given.vault.superuser.query(
      `INSERT INTO subject_key (tenant, subject, class, epoch, wrapped, created_at) VALUES ($1, $2, 'case', $3, '\\x00', now())`,
      [stranger, somebody(), epoch],
    );
    await expect(rotateEpoch(keyStore)).rejects.toThrow('still needs the old epoch');
    await given.vault.superuser.query('DELETE FROM subject_key WHERE tenant = $1', [stranger]);
    await given.vault.superuser.query('DELETE FROM key_epoch_tenant WHERE tenant = $1', [stranger]);
    expect((await rotateEpoch(keyStore)).destroyed).toContain(epoch);
  });
});

describe('a shredding, on another replica', () => {
  /** What a reading process saw in looks that it began after `claimed`. */
  async function shredBeside(
    words: string[],
    during: (child: ChildProcess) => Promise<void>,
  ): Promise<{
    readableAfter: number;
    looks: number;
    tookMs: number;
  }> {
    const one = somebody();
    const sealed = await given.sealer.seal(given.tenant, one, 'identity', 'ada', 'p');
    const { vault, keyDirectory, tenant } = given;
    const reader = start('read', vault.urls.appUrl, keyDirectory, tenant, JSON.stringify(sealed), 'p', ...words);
    await until('the reader', () => reader.lines.some((line) => line.endsWith(' readable')));
    await during(reader.child);
    const begun = Date.now();
    await given.keyStore.shred(tenant, one, ['identity']);
    const claimed = Date.now();
    reader.child.kill('SIGCONT');
    const since = (): string[][] => reader.lines.map((line) => line.split(' ')).filter(([at]) => Number(at) > claimed);
    await until('looks since then', () => since().length > LOOKS);
    reader.child.kill('SIGTERM');
    await reader.ended;
    const looks = since();
    const readableAfter = looks.filter(([, outcome]) => outcome === 'readable').length;
    return { readableAfter, looks: looks.length, tookMs: claimed - begun };
  }

  it('is claimed after its key is in no memory', async () => {
    const took: number[] = [];
    for (let round = 0; round < (LONG ? 4 : 1); round++) {
      const { readableAfter, looks, tookMs } = await shredBeside([], () => pause(30 * round));
      expect(looks).toBeGreaterThan(LOOKS);
      expect(readableAfter).toBe(0);
      took.push(tookMs);
    }
    if (LONG) console.info({ evictionMs: spread(took) });
  }, 240_000);

  itLong(
    'waits for a frozen replica until that one has dropped its keys by itself',
    async () => {
      const { readableAfter, tookMs } = await shredBeside([], async (child) => void child.kill('SIGSTOP'));
      expect(readableAfter).toBe(0);
      expect(tookMs).toBeGreaterThan(5_000);
      expect(tookMs).toBeLessThan(10_000);
    },
    240_000,
  );

  it('the control, a process that does not listen, goes on reading', async () => {
    const { readableAfter } = await shredBeside(['alone'], () => pause(0));
    expect(readableAfter).toBeGreaterThan(LOOKS / 2);
  }, 240_000);

  itLong(
    'a replica that does not reach the key store uses nothing from memory',
    async () => {
      const own = new Database({ connectionString: given.vault.urls.appUrl });
      const keyStore = new KeyStore(own, given.keys, given.clock);
      await keyStore.join();
      const one = somebody();
      await keyStore.keyFor(given.tenant, one, 'case');
      expect(await keyStore.find(given.tenant, one, 'case')).toHaveProperty('key');
      await given.vault.superuser.query('REVOKE ALL ON key_replica, key_notice FROM lethe_app');
      await pause(6_200);
      // Read again, instead of taken from memory: the row says that it is gone.
      await given.vault.superuser.query(
        'UPDATE subject_key SET wrapped = NULL, epoch = NULL, shredded_at = now() WHERE subject = $1',
        [one],
      );
      expect(await keyStore.find(given.tenant, one, 'case')).toEqual({ missing: 'shredded' });
      await given.vault.superuser.query('GRANT SELECT, INSERT, UPDATE, DELETE ON key_replica, key_notice TO lethe_app');
      await keyStore.onApplicationShutdown();
      await own.close();
    },
    240_000,
  );
});

function spread(values: number[]): { least: number; median: number; most: number } {
  const sorted = [...values].sort((a, b) => a - b);
  return { least: sorted[0] ?? 0, median: sorted[sorted.length >> 1] ?? 0, most: sorted.at(-1) ?? 0 };
}
