/** A log that has less than was signed of it: found by comparing the stored head with the locked one, and ended with a statement. */
import type { Clock, JsonObject, TenantId } from '#kernel';
import { signCheckpoint, type OpenedCheckpoint } from './checkpoint.js';
import type { CheckpointLock } from './checkpoint-lock.js';
import { declareEvents } from '../event.js';
import type { EventStore } from '../store/event-store.js';
import { keyForSize, openWithAnyKey, type LogKey, type LogKeys } from './log-keys.js';
import type { LogReader } from './log-reader.js';
import { NoteRefused } from './signed-note.js';

/** Facts about the log itself: leaves that are lost for good, and a restore whose erasures were done again. */
export const rollbackEvents = declareEvents('LogEpochBegun.v1', 'ErasuresReplayed.v1');

/** Stream of facts about the log itself. */
export const logStream = 'log';

/** What was signed and is not there, or is there differently. */
export interface Rollback {
  logId: string;
  locked: OpenedCheckpoint;
  /** Leaves in the database. */
  size: number;
}

/** What rollbacks are found and ended with. */
export interface RollbackParts {
  store: EventStore;
  reader: LogReader;
  keys: LogKeys;
  lock: CheckpointLock;
  clock: Clock;
}

/** Compares the stored log with the last signed head; undefined when it continues it, or nothing was signed yet. */
export async function findRollback(
  { store, reader, lock }: Pick<RollbackParts, 'store' | 'reader' | 'lock'>,
  tenant: TenantId,
): Promise<Rollback | undefined> {
  const { logId, size } = await reader.identity(tenant);
  const last = await lock.read(logId);
  if (!last) return undefined;
  // The locked head may be signed with a key whose rotation the restored database has not heard of.
  const known = [...(await reader.logKeys(tenant)), await reader.successor(tenant)];
  const locked = openWithAnyKey(last.note, known);
  const rollback = { logId, locked, size };
  if (size < locked.size) return rollback;
  // The head may have been read before entries that were signed meanwhile.
  const { size: now } = await store.head(tenant);
  const root = await reader.root(tenant, Math.min(locked.size, now));
  return root.equals(locked.root) ? undefined : rollback;
}

/**
 * Goes on without what is lost: the next epoch begins with a leaf that names the lost positions and holds the last signed
 * head, so that everybody who has a proof of a lost leaf finds the log's own word for it. What stands at a lost position may be
 * another leaf, or the one that was signed and is proven by no published head, nor by `archived`, the last one that an archive has. Returns its position.
 */
export async function beginEpoch(
  parts: RollbackParts,
  tenant: TenantId,
  rollback: Rollback,
  archived?: string,
): Promise<number> {
  const { store, reader, keys, lock } = parts;
  const { logId, locked, size } = rollback;
  const { epoch } = await reader.identity(tenant);
  const before = await lock.read(logId);
  const data: JsonObject = {
    epoch: epoch + 1,
    continuesAt: size,
    lost: { from: await provenSize(parts, tenant, rollback, archived), to: locked.size - 1 },
    lastSigned: before?.note ?? '',
  };
  const { lastPosition } = await store.append({
    tenant,
    actorRef: 'system:restore',
    events: [{ stream: logStream, type: 'LogEpochBegun.v1', data }],
    side: async (query) => {
      await query({ text: 'UPDATE log_head SET epoch = $2 WHERE tenant = $1', values: [tenant, epoch + 1] });
    },
  });
  const identity = await reader.identity(tenant);
  const head = await store.head(tenant);
  const { key, generation } = keyForSize(await reader.logKeys(tenant), head.size);
  const signer = {
    name: identity.origin,
    publicKey: key.publicKey,
    sign: (message: Buffer) => keys.sign(tenant, message, generation),
  };
  const note = await signCheckpoint({ origin: identity.origin, size: head.size, root: head.root }, signer);
  if (!(await lock.replace(logId, before, note)))
    throw new Error('another signer wrote a head meanwhile: stop every service, then run it again');
  return lastPosition;
}

/**
 * Leaves from the first on that are certainly those that were signed: as many as the last published head has that still fits.
 * What was published since a backup is known by the archive only.
 */
async function provenSize(
  { reader }: RollbackParts,
  tenant: TenantId,
  { locked, size }: Rollback,
  archived: string | undefined,
): Promise<number> {
  const known = await reader.logKeys(tenant);
  const fits = async (note: string, most: number): Promise<number> => {
    const head = signedHead(note, known);
    if (!head || head.size > most) return 0;
    return (await reader.root(tenant, head.size)).equals(head.root) ? head.size : 0;
  };
  const most = Math.min(size, locked.size - 1);
  const proven = archived === undefined ? 0 : await fits(archived, most);
  for (let upTo = most; ;) {
    const published = await reader.latestCheckpoint(tenant, upTo);
    if (!published || published.size <= proven) return proven;
    if ((await fits(published.note, published.size)) === published.size) return published.size;
    upTo = published.size - 1;
  }
}

function signedHead(note: string, known: readonly LogKey[]): OpenedCheckpoint | undefined {
  try {
    return openWithAnyKey(note, known);
  } catch (error) {
    if (error instanceof NoteRefused) return undefined;
    throw error;
  }
}
