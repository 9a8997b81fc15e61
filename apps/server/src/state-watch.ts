/** Looks, at the start and again and again, for what must stop this process: a mark of a restore, a log behind its signed head. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TenantId } from '#kernel';
import { findRollback, pointsToOutage, type CheckpointLock } from '#ledger';
import type { PlatformParts } from '#platform';

/** Name of the mark that a restore leaves and a replay removes. */
export const QUARANTINE = 'quarantined';

const QUARANTINE_DETAIL =
  'This installation was restored, and what was erased since may be back. Run lethe replay; nothing is served until it has ended.';
/** What to do when a log is behind. */
export const ROLLBACK_DETAIL =
  'A log has less than was signed of it. Stop the services and run lethe restore --complete, and when the rest is lost for good lethe restore --complete --new-epoch.';

const VANISHED_DETAIL =
  'A log that was signed is nowhere in this database: its tenant was taken out, or this is another database. Stop the services and restore it (lethe restore); when it is lost for good, lethe restore --complete --new-epoch goes on without it.';

const UNKNOWN_DETAIL =
  'the database does not answer, so that nobody knows whether this installation may serve. Start again when it is there.';

const MARK_MS = 1_000;
/** How long a start waits for a database that went away after it was opened. */
const START_PATIENCE_MS = 15_000;
const START_LOOK_MS = 250;
/** Rounds of looking at marks between two at the logs. */
const LOG_EVERY = 5;

/** Keeps `state` true to what is found. */
export class StateWatch {
  private readonly stopped = new AbortController();
  private running: Promise<void> = Promise.resolve();
  /** Size at which a log was last found to continue its signed head, by the note of that head. */
  private readonly sound = new Map<TenantId, string>();
  private vanished = '';

  constructor(
    private readonly parts: Pick<PlatformParts, 'state' | 'database' | 'store' | 'reader' | 'log'>,
    private readonly lock: CheckpointLock,
    private readonly tenants: () => Promise<TenantId[]>,
  ) {}

  /**
   * Looks once at everything; before the first call is answered. A database that is briefly away is waited for, since nobody
   * may be served before it is known whether what is stored may be served. Errors: a sentence for the operator.
   */
  async look(patienceMs = START_PATIENCE_MS): Promise<void> {
    for (const end = performance.now() + patienceMs; ; await sleep(START_LOOK_MS)) {
      try {
        await this.lookAtMark();
        await this.lookAtLogs();
        return;
      } catch (error) {
        if (!pointsToOutage(error)) throw error;
        if (performance.now() >= end) throw new Error(UNKNOWN_DETAIL, { cause: error });
      }
    }
  }

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    for (let round = 1; !signal.aborted; round += 1) {
      await sleep(MARK_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      // While the database cannot be asked, what was found stays.
      await this.lookAtMark().catch(() => undefined);
      if (round % LOG_EVERY === 0) await this.lookAtLogs().catch(() => undefined);
    }
  }

  private async lookAtMark(): Promise<void> {
    const { database, state, log } = this.parts;
    const { rows } = await database.global({
      name: 'installation-mark',
      text: 'SELECT 1 FROM installation_mark WHERE name = $1',
      values: [QUARANTINE],
    });
    const before = state.refusals.some(({ code }) => code === 'quarantined');
    if (rows.length > 0) state.refuse('quarantined', QUARANTINE_DETAIL);
    else state.clear('quarantined');
    if (before !== rows.length > 0) log.warn({ quarantined: !before }, 'the quarantine changed');
  }

  private async lookAtLogs(): Promise<void> {
    // Before the tenants: a log is signed only once its tenant is there.
    const signed = await this.lock.logs();
    const present = new Set<string>();
    let behind = false;
    for (const tenant of await this.tenants()) {
      const { logId, size } = await this.parts.store.head(tenant);
      present.add(logId);
      behind = (await this.isBehind(tenant, logId, size)) || behind;
    }
    const vanished = signed.filter((logId) => !present.has(logId));
    if (vanished.length > 0 && this.vanished !== vanished.join())
      this.parts.log.error({ logs: vanished }, 'logs that were signed are nowhere in the database');
    this.vanished = vanished.join();
    if (behind) this.parts.state.refuse('rollback-detected', ROLLBACK_DETAIL);
    else if (vanished.length > 0) this.parts.state.refuse('rollback-detected', VANISHED_DETAIL);
    else this.parts.state.clear('rollback-detected');
  }

  /** The root is only computed for a head that was not seen sound before; a size is compared every time. */
  private async isBehind(tenant: TenantId, logId: string, size: number): Promise<boolean> {
    const { store, reader, log } = this.parts;
    const note = (await this.lock.read(logId))?.note;
    const known = note === undefined ? '' : `${sizeOf(note) <= size ? 'has' : 'lacks'} ${note}`;
    if (this.sound.get(tenant) === known) return false;
    const rollback = note === undefined ? undefined : await findRollback({ store, reader, lock: this.lock }, tenant);
    if (!rollback) {
      this.sound.set(tenant, known);
      return false;
    }
    this.sound.delete(tenant);
    log.error({ tenant, size: rollback.size, lockedSize: rollback.locked.size }, 'a log is behind its signed head');
    return true;
  }
}

/** Second line of a checkpoint (c2sp.org/tlog-checkpoint). */
function sizeOf(note: string): number {
  return Number(note.split('\n')[1]);
}
