/** Looks, at the start and again and again, for what must stop this process: a mark of a restore, a log behind its signed head. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TenantId } from '#kernel';
import { findRollback, pointsToOutage, UnknownTenant, type CheckpointLock, type Rollback, type Signer } from '#ledger';
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

const UNCOMPARED_DETAIL =
  'A log cannot be compared with its signed head. Run lethe verify-store: it names what was changed or is missing.';

const UNKNOWN_DETAIL =
  'the database does not answer, so that nobody knows whether this installation may serve. Start again when it is there.';

/**
 * Nobody could be asked, which says nothing about a log: the database has no room, no connection or no time, is a standby, or
 * a file system has trouble. Not what says that something stored is damaged (XX001, 58P01).
 */
const UNASKED = /^(?:08|28|40|53|55|57)|^25006$|^58030$|^E[A-Z]+$/;

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
  /** The signed head that a log was last found to continue, behind the last leaf that it covers. */
  private readonly sound = new Map<TenantId, string>();
  /** What was said of each log last, so that it is said once. */
  private readonly told = new Map<string, string>();

  constructor(
    private readonly parts: Pick<PlatformParts, 'state' | 'database' | 'store' | 'reader' | 'log'> & {
      readonly signer: Pick<Signer, 'trouble'>;
    },
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
        if (!nobodyAnswers(error)) throw error;
        if (performance.now() < end) continue;
        throw pointsToOutage(error) ? new Error(UNKNOWN_DETAIL, { cause: error }) : error;
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

  /** A log that nobody can ask about now keeps what was found before; it hides nothing of the others. */
  private async lookAtLogs(): Promise<void> {
    const { state, signer } = this.parts;
    // Before the tenants: a log is signed only once its tenant is there.
    const signed = await this.lock.logs();
    const present = new Set<string>();
    const found: string[] = [];
    const outages: unknown[] = [];
    for (const tenant of await this.tenants())
      await this.lookAtLog(tenant, present).then(
        (detail) => found.push(...detail),
        (error: unknown) => outages.push(error),
      );
    const vanished = outages.length > 0 ? [] : signed.filter((logId) => !present.has(logId));
    if (vanished.length > 0) found.push(VANISHED_DETAIL);
    this.tell('vanished', vanished.join(), { logs: vanished }, 'logs that were signed are nowhere in the database');
    // The signer compares more than this watch, and tells of it once.
    if (signer.trouble === 'rollback-detected') found.push(ROLLBACK_DETAIL);
    const [detail] = found;
    if (detail !== undefined) state.refuse('rollback-detected', detail);
    else if (outages.length === 0) state.clear('rollback-detected');
    if (outages.length > 0) throw outages[0];
  }

  /** Why it may not be served, if so; adds the log to those that are there. Errors: those of an outage. */
  private async lookAtLog(tenant: TenantId, present: Set<string>): Promise<string[]> {
    try {
      const { logId, size } = await this.parts.store.head(tenant);
      present.add(logId);
      const behind = await this.findBehind(tenant, logId, size);
      const fields = { tenant, size: behind?.size, lockedSize: behind?.locked.size };
      this.tell(tenant, behind ? 'behind' : '', fields, 'a log is behind its signed head');
      return behind ? [ROLLBACK_DETAIL] : [];
    } catch (error) {
      if (nobodyAnswers(error)) throw error;
      // When it was signed, it is found among those that vanished.
      if (error instanceof UnknownTenant) return [];
      const cause = (error as Error).name;
      this.tell(tenant, cause, { tenant, cause }, 'a log cannot be compared with its signed head');
      return [UNCOMPARED_DETAIL];
    }
  }

  /** The root is only computed where the head, or the last leaf it covers, is not the one that was seen sound before. */
  private async findBehind(tenant: TenantId, logId: string, size: number): Promise<Rollback | undefined> {
    const { store, reader } = this.parts;
    const note = (await this.lock.read(logId))?.note;
    if (note === undefined) return undefined;
    // Another history of this size, or a longer one, ends in another leaf.
    const leaf = sizeOf(note) <= size ? await reader.entry(tenant, sizeOf(note) - 1) : undefined;
    const head = `${leaf?.leafHash.toString('hex')} ${note}`;
    if (leaf && this.sound.get(tenant) === head) return undefined;
    const behind = await findRollback({ store, reader, lock: this.lock }, tenant);
    if (leaf && !behind) this.sound.set(tenant, head);
    return behind;
  }

  private tell(whom: string, what: string, fields: object, words: string): void {
    if (what !== '' && this.told.get(whom) !== what) this.parts.log.error(fields, words);
    this.told.set(whom, what);
  }
}

function nobodyAnswers(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return pointsToOutage(error) || (typeof code === 'string' && UNASKED.test(code));
}

/** Second line of a checkpoint (c2sp.org/tlog-checkpoint). */
function sizeOf(note: string): number {
  return Number(note.split('\n')[1]);
}
