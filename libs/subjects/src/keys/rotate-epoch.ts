/** Ends a key-encryption epoch: survivors are wrapped anew, then the old key is destroyed and old backups with it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TenantId } from '#kernel';
import { KeyUnavailable } from '#platform';
import type { KeyStore } from './keystore.js';
import { holdEpoch, lockKeysOfEpoch, needsEpoch, replaceKeys, type NewKeyRow } from './keystore.queries.js';

/** `horizon`: since this moment no backup can open what was shredded before the rotation began; null before the first one. */
export interface Rotation {
  epoch: string;
  destroyed: string[];
  rewrapped: number;
  horizon: Date | null;
}

const BATCH = 500;
/** How long keys that somebody holds are waited for; afterwards the epoch is kept, and the rotation says so. */
const HELD_MS = 15_000;
const LOOK_MS = 20;

/** Where a rotation is; told after each step, for the operator's screen. A crash after any of them loses nothing. */
export type RotationStep =
  | 'epoch-begun'
  | 'old-epochs-retired'
  | 'batch-rewrapped'
  | 'survivors-rewrapped'
  | 'old-epoch-destroyed'
  | 'end-recorded';

/** What a rotation does besides wrapping anew; by default it begins an epoch and ends every one before it. */
export interface RotationWish {
  /** False: no new epoch, only what an earlier rotation has left to end. */
  begin?: boolean;
  /** An epoch that was retired, or whose last key was wrapped anew, later than this is not destroyed yet. */
  destroyRetiredUntil?: Date;
  tell?: (step: RotationStep) => void;
}

/**
 * Runs one rotation; safe to repeat after a crash, and beside writers and other rotations. An epoch is destroyed only when
 * it is retired (no transaction can still wrap under it) and no key of any tenant that ever used it is left.
 */
export async function rotateEpoch(
  keyStore: KeyStore,
  { begin = true, destroyRetiredUntil, tell = () => undefined }: RotationWish = {},
): Promise<Rotation> {
  const { database, provider, clock } = keyStore;
  const epoch = begin ? await beginEpoch(keyStore, tell) : await provider.currentEpoch();
  await retireBefore(epoch, keyStore);
  tell('old-epochs-retired');
  const { rows } = await database.global<{ epoch: string; retired_at: Date }>({
    text: `SELECT epoch, retired_at FROM key_epoch
           WHERE retired_at IS NOT NULL AND destroyed_at IS NULL AND epoch COLLATE "C" < $1 ORDER BY epoch`,
    values: [epoch],
  });
  let rewrapped = 0;
  const destroyed: string[] = [];
  for (const old of rows) {
    // A key store that was set back does not know it: what is wrapped under such an epoch is gone by design.
    const ended = await isDestroyed(keyStore, old.epoch);
    const count = ended ? 0 : await rewrapAll(keyStore, old.epoch, tell);
    rewrapped += count;
    tell('survivors-rewrapped');
    if (destroyRetiredUntil && (count > 0 || old.retired_at > destroyRetiredUntil)) continue;
    if (!ended) await assertUnused(keyStore, old.epoch);
    await provider.destroyEpoch(old.epoch);
    tell('old-epoch-destroyed');
    await database.global({
      text: 'UPDATE key_epoch SET destroyed_at = $2 WHERE epoch = $1',
      values: [old.epoch, clock.now()],
    });
    tell('end-recorded');
    destroyed.push(old.epoch);
  }
  const { horizon } = await epochHorizon(keyStore);
  return { epoch, destroyed, rewrapped, horizon };
}

/** Notes the one that is over as well: a key store that was set back does not know it, and would never end it. */
async function beginEpoch(keyStore: KeyStore, tell: (step: RotationStep) => void): Promise<string> {
  await noteEpoch(keyStore, await keyStore.provider.currentEpoch());
  const epoch = await keyStore.provider.newEpoch();
  await noteEpoch(keyStore, epoch);
  tell('epoch-begun');
  return epoch;
}

async function noteEpoch({ database, provider, clock }: KeyStore, epoch: string): Promise<void> {
  await database.global({
    text: 'INSERT INTO key_epoch (epoch, created_at, key_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
    values: [epoch, clock.now(), (await provider.epochKeyId(epoch)) ?? null],
  });
}

/** By design, not by a loss: a key file that is missing or damaged may come back. */
function isDestroyed({ provider }: KeyStore, epoch: string): Promise<boolean> {
  return provider.epochKeyId(epoch).then(
    (id) => id === undefined,
    () => false,
  );
}

/** Waits for every transaction that holds an old epoch (FOR SHARE); none can take one afterwards. */
async function retireBefore(epoch: string, { database, clock }: KeyStore): Promise<void> {
  await database.global({
    text: 'UPDATE key_epoch SET retired_at = $2 WHERE epoch COLLATE "C" < $1 AND retired_at IS NULL',
    values: [epoch, clock.now()],
  });
}

/** An epoch of the installation, as the key store knows it. */
export interface Epoch {
  epoch: string;
  created_at: Date;
  destroyed_at: Date | null;
}

/** Every epoch there was, the current one last. */
export async function allEpochs({ database }: KeyStore): Promise<Epoch[]> {
  const { rows } = await database.global<Epoch>({
    text: 'SELECT epoch, created_at, destroyed_at FROM key_epoch ORDER BY epoch COLLATE "C"',
  });
  return rows;
}

/** Where the epochs stand; null: there is none like that. */
export interface EpochHorizon {
  /** Last moment at which an epoch was destroyed. */
  horizon: Date | null;
  /** When the oldest one that still opens a backup began. */
  oldestEpochSince: Date | null;
  /** When the one began under which keys are wrapped now: what is shredded today is in backups until this one ends. */
  currentEpochSince: Date | null;
  /** When the last key of an epoch that is over was wrapped anew: a backup from before needs that epoch. */
  lastRewrapped: Date | null;
  /** How many are not destroyed: more than one while old ones are still to end. */
  living: number;
}

export async function epochHorizon({ database }: Pick<KeyStore, 'database'>): Promise<EpochHorizon> {
  const { rows } = await database.global<
    Record<'horizon' | 'oldest' | 'current' | 'rewrapped', Date | null> & { living: number }
  >({
    text: `SELECT max(destroyed_at) AS horizon, min(created_at) FILTER (WHERE destroyed_at IS NULL) AS oldest,
             max(created_at) FILTER (WHERE retired_at IS NULL) AS current,
             max(retired_at) AS rewrapped,
             (count(*) FILTER (WHERE destroyed_at IS NULL))::int AS living FROM key_epoch`,
  });
  const { horizon = null, oldest = null, current = null, rewrapped = null, living = 0 } = rows[0] ?? {};
  return { horizon, oldestEpochSince: oldest, currentEpochSince: current, lastRewrapped: rewrapped, living };
}

/** A key under this epoch in any tenant that is known at all, also one that never noted its use of the epoch. */
async function assertUnused({ database }: KeyStore, old: string): Promise<void> {
  const { rows } = await database.global<{ tenant: TenantId }>({
    text: 'SELECT DISTINCT tenant FROM key_epoch_tenant',
  });
  for (const { tenant } of rows) {
    if (await needsEpoch(database, tenant, old))
      throw new KeyUnavailable('damaged', 'A key still needs the old epoch, which is kept. Run lethe verify-store.');
  }
}

async function rewrapAll(keyStore: KeyStore, old: string, tell: (step: RotationStep) => void): Promise<number> {
  // Tenants come from the key store itself: a list from elsewhere might miss one, and its keys would be lost.
  const tenants = await keyStore.database.global<{ tenant: TenantId }>({
    text: 'SELECT tenant FROM key_epoch_tenant WHERE epoch = $1',
    values: [old],
  });
  let rewrapped = 0;
  for (const { tenant } of tenants.rows) {
    for (let since = performance.now(); ;) {
      const count = await rewrapBatch(keyStore, tenant, old);
      tell('batch-rewrapped');
      rewrapped += count;
      if (count > 0) since = performance.now();
      else if (!(await needsEpoch(keyStore.database, tenant, old)) || performance.now() - since > HELD_MS) break;
      // Somebody holds the rest: a shredding, or another rotation.
      else await sleep(LOOK_MS);
    }
  }
  return rewrapped;
}

async function rewrapBatch({ database, provider, clock }: KeyStore, tenant: TenantId, old: string): Promise<number> {
  const current = await provider.currentEpoch();
  return database.transaction(tenant, async (query) => {
    const rows = await lockKeysOfEpoch(query, tenant, old, BATCH);
    if (rows.length === 0) return 0;
    if (!(await holdEpoch(query, tenant, current, clock.now())))
      throw new KeyUnavailable('missing', 'Another rotation began. Repeat this one.');
    const renewed: NewKeyRow[] = [];
    for (const row of rows) {
      const key = await provider.unwrap(tenant, old, row.wrapped);
      const wrapped = await provider.wrap(tenant, key);
      key.fill(0);
      if (wrapped.epoch !== current) throw new KeyUnavailable('missing', 'Another rotation began. Repeat this one.');
      renewed.push({ subject: row.subject, class: row.class, ...wrapped });
    }
    await replaceKeys(query, tenant, renewed);
    // What is backed up before this needs the old epoch: its rest begins anew.
    await query({ text: 'UPDATE key_epoch SET retired_at = $2 WHERE epoch = $1', values: [old, clock.now()] });
    return rows.length;
  });
}
