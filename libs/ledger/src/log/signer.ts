/** The one role that publishes heads: signs a checkpoint of each log that grew, and none that contradicts the last one. */
import type { Clock, TenantId } from '#kernel';
import { parseCheckpoint, signCheckpoint, type OpenedCheckpoint } from './checkpoint.js';
import type { CheckpointLock } from './checkpoint-lock.js';
import type { EventStore } from '../store/event-store.js';
import { keyForSize, openWithLogKeys, type LogKey, type LogKeys } from './log-keys.js';
import type { LogReader } from './log-reader.js';
import { UnknownTenant } from '../ledger.queries.js';
import { writeCheckpoint } from './log.queries.js';
import { splitNote } from './signed-note.js';

/** Why a log is not signed. `rollback-detected`: the database has less than, or something else than, what was signed. */
export type SignerTrouble = 'rollback-detected' | 'signing-failed';

/** Told once when a log gets into trouble, and once (with undefined) when it is out of it; ids only. */
export type TellSigner = (
  tenant: TenantId,
  trouble: SignerTrouble | undefined,
  fields: Record<string, unknown>,
) => void;

/** What a signer works with. */
export interface SignerParts {
  store: EventStore;
  reader: LogReader;
  keys: LogKeys;
  lock: CheckpointLock;
  clock: Clock;
  tenants: () => Promise<TenantId[]>;
  tell: TellSigner;
  /** False while this process's clock is not to be trusted: a checkpoint is dated. Default always true. */
  maySign?: () => boolean;
}

const ROUND_MS = 500;
const PATIENT_LOOKS = 10;

/** Throws of `check`: the stored log contradicts the last signed head. */
class RollbackDetected extends Error {
  override name = 'RollbackDetected';
  constructor(readonly fields: { lockedSize: number; size: number }) {
    super('the log contradicts the last signed head');
  }
}

export class Signer {
  /** Size at which each log was last found sound and signed. */
  private readonly signed = new Map<TenantId, number>();
  private readonly troubles = new Map<TenantId, SignerTrouble>();
  private readonly looksInVain = new Map<TenantId, number>();
  private stopping = false;
  private rest: () => void = () => undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly parts: SignerParts) {}

  /** The worst trouble of any log, for readiness. */
  get trouble(): SignerTrouble | undefined {
    const troubles = new Set(this.troubles.values());
    return troubles.has('rollback-detected') ? 'rollback-detected' : [...troubles][0];
  }

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.rest();
    await this.running;
  }

  /** One look at every log; signs what grew. */
  async round(): Promise<void> {
    if (this.parts.maySign?.() === false) return;
    for (const tenant of await this.parts.tenants().catch(() => [])) {
      if (this.stopping) return;
      await this.look(tenant);
    }
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      await this.round();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ROUND_MS);
        this.rest = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  private async look(tenant: TenantId): Promise<void> {
    try {
      const { size } = await this.parts.store.head(tenant);
      if (this.signed.get(tenant) === size && !this.troubles.has(tenant)) return;
      this.signed.set(tenant, await this.sign(tenant));
      if (this.troubles.delete(tenant)) this.parts.tell(tenant, undefined, {});
    } catch (error) {
      if (error instanceof UnknownTenant && this.isNew(tenant)) return;
      const trouble = error instanceof RollbackDetected ? 'rollback-detected' : 'signing-failed';
      const fields = error instanceof RollbackDetected ? error.fields : { cause: (error as Error).name };
      if (this.troubles.get(tenant) !== trouble) this.parts.tell(tenant, trouble, fields);
      this.troubles.set(tenant, trouble);
    }
  }

  /** A tenant is listed a moment before its log is opened. */
  private isNew(tenant: TenantId): boolean {
    const looks = (this.looksInVain.get(tenant) ?? 0) + 1;
    this.looksInVain.set(tenant, looks);
    return looks < PATIENT_LOOKS && !this.signed.has(tenant);
  }

  /** Checks the head against the last signed one, signs it, and publishes it. Returns its size. */
  private async sign(tenant: TenantId): Promise<number> {
    const { reader, keys, lock, store, clock } = this.parts;
    const { logId, origin } = await reader.identity(tenant);
    const before = await lock.read(logId);
    // The head first: a key that is recorded later than it does not sign it.
    const head = await store.head(tenant);
    const known = await reader.logKeys(tenant);
    if (before) await this.refuseSuccessor(tenant, before.note, head);
    const last = before && openWithLogKeys(before.note, known);
    if (last) await this.checkContinues(tenant, last, head);
    else await this.checkFirst(tenant, known, head);
    // Signed and locked, but perhaps not published: the signer before us may have been killed in between.
    if (before && last) await this.publish(tenant, last.size, before.note, clock.now());
    if (last?.size === head.size || head.size === 0) return head.size;
    const root = await reader.root(tenant, head.size);
    if (!root.equals(head.root)) throw new RollbackDetected({ lockedSize: last?.size ?? 0, size: head.size });
    const { key, generation } = keyForSize(known, head.size);
    const signs = (message: Buffer): Promise<Buffer> => keys.sign(tenant, message, generation);
    const signer = { name: origin, publicKey: key.publicKey, sign: signs };
    const note = await signCheckpoint({ origin, size: head.size, root }, signer);
    // Another signer was first: its head is looked at in the next round.
    if (!(await lock.replace(logId, before, note))) return last?.size ?? -1;
    await this.publish(tenant, head.size, note, clock.now());
    return head.size;
  }

  private async checkContinues(tenant: TenantId, last: OpenedCheckpoint, head: { size: number }): Promise<void> {
    const fields = { lockedSize: last.size, size: head.size };
    if (head.size < last.size) throw new RollbackDetected(fields);
    const root = await this.parts.reader.root(tenant, last.size);
    if (!root.equals(last.root)) throw new RollbackDetected(fields);
  }

  /** A head signed with a key that this database has not heard of: it was restored from before the key's rotation. */
  private async refuseSuccessor(tenant: TenantId, note: string, { size }: { size: number }): Promise<void> {
    const { key } = await this.parts.reader.successor(tenant);
    const { text, lines } = splitNote(note);
    if (lines.some((line) => line.keyId.equals(key.keyId)))
      throw new RollbackDetected({ lockedSize: parseCheckpoint(text).size, size });
  }

  /** Without a locked head nothing may have been published either: a lost lock must not become a blank cheque. */
  private async checkFirst(tenant: TenantId, known: readonly LogKey[], head: { size: number }): Promise<void> {
    const published = await this.parts.reader.latestCheckpoint(tenant);
    if (published) await this.checkContinues(tenant, openWithLogKeys(published.note, known), head);
  }

  private publish(tenant: TenantId, size: number, note: string, signedAt: Date): Promise<void> {
    return this.parts.store.database.transaction(tenant, (query) =>
      writeCheckpoint(query, tenant, { size, note }, signedAt),
    );
  }
}
