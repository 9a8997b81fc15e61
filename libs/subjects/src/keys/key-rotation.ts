/** Replaces keys while everything runs. Each rotation is a fact in the log: what was replaced by what, never a secret. */
import { conflict, DomainError, inTurn, type JsonObject, type TenantId } from '#kernel';
import {
  declareEvents,
  publicKeyId,
  readSigningKeys,
  signingKeyRow,
  type Database,
  type EventStore,
  type InlineRow,
  type LogReader,
} from '#ledger';
import type { KeyProvider } from '#platform';
import type { KeyStore } from './keystore.js';
import { lookupKeyRow, lookupKeyState, rekeyLookups, type Rekeyed } from './rekey-lookups.js';
import { allEpochs, epochHorizon, rotateEpoch, type Epoch, type Rotation, type RotationStep } from './rotate-epoch.js';
import type { Sealer } from './sealer.js';

/** `kind`: epoch, lookup, log or certificate. Ids of keys, and public keys of those that sign. */
export const keyEvents = declareEvents('KeyRotated.v1');

/** Stream of the facts about a tenant's keys. */
export const keysStream = 'keys';

/** What rotations work with. */
export interface RotationParts {
  store: EventStore;
  reader: LogReader;
  keys: KeyProvider;
  keyStore: KeyStore;
  sealer: Sealer;
}

/** Every rotation is safe to repeat after a crash: what was begun is finished first. `actorRef` is a pseudonym. */
export class KeyRotation {
  constructor(private readonly parts: RotationParts) {}

  /** The ledger's database. */
  get database(): Database {
    return this.parts.store.database;
  }

  /** Ends the key-encryption epoch of the installation at once; recorded in the log of every tenant. */
  async epoch(tenants: readonly TenantId[], actorRef: string, tell?: (step: RotationStep) => void): Promise<Rotation> {
    const rotation = await rotateEpoch(this.parts.keyStore, tell ? { tell } : {});
    await this.recordEpochs(tenants, actorRef);
    return rotation;
  }

  /**
   * Ends epochs in time: one that is older than `epochMs` is replaced, and destroyed `restMs` (milliseconds) after its last
   * key was wrapped anew, so that there is a backup of the key store that opens, and a copy of the key files, before the old
   * ones open nothing. What was interrupted goes on. Undefined when there was nothing to do.
   */
  async dueEpochs(
    tenants: readonly TenantId[],
    actorRef: string,
    { now, epochMs, restMs }: { now: Date; epochMs: number; restMs: number },
  ): Promise<Rotation | undefined> {
    const { currentEpochSince: since, living } = await epochHorizon(this.parts.keyStore);
    const begin = since !== null && now.getTime() - since.getTime() >= epochMs;
    const destroyRetiredUntil = new Date(now.getTime() - restMs);
    try {
      if (!begin && living < 2) return undefined;
      return await rotateEpoch(this.parts.keyStore, { begin, destroyRetiredUntil });
    } finally {
      await this.recordEpochs(tenants, actorRef);
    }
  }

  /** Begins to use the next lookup key, or goes on where a rotation was interrupted; then hashes all rows anew. */
  async lookup(tenant: TenantId, actorRef: string): Promise<Rekeyed> {
    const { store, keys, keyStore, sealer } = this.parts;
    const { generation, rekeyedAt } = await lookupKeyState(store.database, tenant);
    if (generation === 1 || rekeyedAt !== null) {
      const keyId = await keys.addGeneration('lookup', generation + 1);
      await keys.ready('lookup', generation);
      const previousKeyId = keys.macKeyId('lookup', generation);
      const data = { kind: 'lookup', keyId, previousKeyId, generation: generation + 1 };
      await this.record(tenant, actorRef, data, [lookupKeyRow(generation + 1, keyId)]);
    }
    return rekeyLookups({ database: store.database, keys, sealer }, tenant, keyStore.clock.now());
  }

  /**
   * The log's next key, which the log committed before, signs from the leaf of this fact on; the leaf commits the key after
   * it and holds the last head that the old key signed. Errors: 503 `checkpoint-not-signed` when no head signed with the
   * old key covers the commitment (start the signer first); 409 `log-key-not-committed`.
   */
  async log(tenant: TenantId, actorRef: string): Promise<{ keyId: string; position: number }> {
    const { reader, keys } = this.parts;
    const current = (await reader.logKeys(tenant)).at(-1);
    if (!current) throw new Error('a log has at least one key');
    const generation = current.generation + 1;
    await keys.addGeneration('log', generation);
    await keys.addGeneration('log', generation + 1);
    const publicKey = await keys.publicKey(tenant, 'log', generation);
    await this.assertCommitted(
      tenant,
      current.fromSize,
      (await keys.nextLogKeyHash(tenant, generation - 1)).toString('hex'),
    );
    const { note } = await reader.checkpointFor(tenant, Math.max(0, current.fromSize - 1));
    const data = {
      kind: 'log',
      keyId: publicKeyId(publicKey),
      previousKeyId: publicKeyId(current.key.publicKey),
      publicKey: publicKey.toString('base64'),
      nextLogKeyHash: (await keys.nextLogKeyHash(tenant, generation)).toString('hex'),
      lastSeal: note,
    };
    const position = await this.record(tenant, actorRef, data, [signingKeyRow('log', generation, publicKey)]);
    return { keyId: data.keyId, position };
  }

  /** The next certificate key signs from now on; what the old one signed verifies as before. */
  async certificate(tenant: TenantId, actorRef: string): Promise<{ keyId: string; position: number }> {
    const { store, keys } = this.parts;
    const rotated = await readSigningKeys(
      (statement) => store.database.fetch(tenant, statement),
      tenant,
      'certificate',
    );
    const current = rotated.at(-1)?.generation ?? 1;
    await keys.addGeneration('certificate', current + 1);
    const [previous, publicKey] = await Promise.all([
      keys.publicKey(tenant, 'certificate', current),
      keys.publicKey(tenant, 'certificate', current + 1),
    ]);
    const data = {
      kind: 'certificate',
      keyId: publicKeyId(publicKey),
      previousKeyId: publicKeyId(previous),
      publicKey: publicKey.toString('base64'),
    };
    const row = signingKeyRow('certificate', current + 1, publicKey);
    return { keyId: data.keyId, position: await this.record(tenant, actorRef, data, [row]) };
  }

  /** Says in every log what the key store has done to epochs and the log does not say yet, as after a crash. */
  private async recordEpochs(tenants: readonly TenantId[], actorRef: string): Promise<void> {
    const epochs = await allEpochs(this.parts.keyStore);
    await inTurn(tenants, async (tenant) => {
      const data = await this.unsaid(tenant, epochs);
      if (data) await this.record(tenant, actorRef, data, []);
    });
  }

  /** What came before the tenant is none of its log's business, and the first epoch replaced none. */
  private async unsaid(tenant: TenantId, [first, ...later]: readonly Epoch[]): Promise<JsonObject | undefined> {
    const { store } = this.parts;
    const [genesis] = await store.read(tenant, 0, 1);
    const current = later.at(-1);
    if (!genesis || !first || !current) return undefined;
    const since = (at: Date | null): boolean => at !== null && at >= new Date(genesis.recordedAt);
    const said = (await store.load(tenant, keysStream)).map(({ data }) => data).filter(({ kind }) => kind === 'epoch');
    const known = new Set(said.flatMap((data) => data['destroyed'] as string[]));
    const gone = [first, ...later].filter(({ epoch, destroyed_at: at }) => since(at) && !known.has(epoch));
    const begun = since(current.created_at) && said.every(({ keyId }) => keyId !== current.epoch);
    if (!begun && gone.length === 0) return undefined;
    return { kind: 'epoch', keyId: current.epoch, destroyed: gone.map(({ epoch }) => epoch) };
  }

  /** The hash that the log committed: in its first leaf, or in the leaf of the last rotation. */
  private async assertCommitted(tenant: TenantId, fromSize: number, hash: string): Promise<void> {
    const [leaf] = await this.parts.store.read(tenant, Math.max(0, fromSize - 1), 1);
    if (leaf?.data['nextLogKeyHash'] !== hash)
      throw new DomainError(
        409,
        'log-key-not-committed',
        'The next log key is not the one this log committed. Restore the key directory that belongs to it.',
      );
  }

  /** Two rotations at once would name the same successor: the second is refused. */
  private async record(tenant: TenantId, actorRef: string, data: JsonObject, rows: InlineRow[]): Promise<number> {
    const before = await this.parts.store.load(tenant, keysStream);
    try {
      const { lastPosition } = await this.parts.store.append({
        tenant,
        actorRef,
        events: [{ stream: keysStream, type: 'KeyRotated.v1', data }],
        expect: { [keysStream]: before.length },
        rows,
      });
      return lastPosition;
    } catch (error) {
      if ((error as Error).name !== 'VersionConflict' && (error as { code?: string }).code !== '23505') throw error;
      throw conflict('key-rotation-running', 'Another rotation of this tenant was recorded meanwhile. Repeat yours.');
    }
  }
}
