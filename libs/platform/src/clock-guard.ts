/** Whether this process may date things: its clock against the database's, and against its own monotonic one in between. */
import type { Clock } from '#kernel';

/** From here on it is told (log, metric, alert). */
export const SKEW_ALERT_MS = 2_000;
/** From here on nothing is signed and no due date is acted on; reads and appends go on, dated by the earlier clock. */
export const SKEW_STOP_MS = 5_000;
const LOOK_MS = 1_000;

/** Where the time is asked that all replicas share. */
export type TimeReference = () => Promise<Date>;

/** Told when the judgement changes. */
export type ClockTold = (judgement: ClockJudgement, fields: { skewMs: number }) => void;

export type ClockJudgement = 'sound' | 'skewed' | 'stopped';

/**
 * Compares once a second. Between two comparisons, and while the database does not answer, the monotonic clock shows a
 * jump at once: whoever asks `mayDate` after a jump is told no, without waiting for the next comparison. Heals alone.
 */
export class ClockGuard {
  /** Wall clock minus monotonic clock at the last comparison, and by how much the wall clock was ahead then. */
  private compared: { offset: number; skew: number } | undefined;
  private judgement: ClockJudgement = 'sound';
  private timer: NodeJS.Timeout | undefined;

  /** Without a reference nothing is compared and everything may be dated: for test clocks. */
  constructor(
    private readonly clock: Clock,
    private readonly reference?: TimeReference,
    private readonly tell: ClockTold = () => undefined,
  ) {}

  /** Milliseconds by which this process is ahead of the database; negative behind. Undefined before the first comparison. */
  get skewMs(): number | undefined {
    return this.compared && this.compared.skew + this.offset() - this.compared.offset;
  }

  /** False beyond `SKEW_STOP_MS`: neither sign, nor act on a due date. */
  get mayDate(): boolean {
    return this.judge() !== 'stopped';
  }

  /**
   * The time to date a record with: of two clocks that are too far apart, the earlier. What one that ran ahead had dated
   * would hold every later record of the log in the future, and what counts from it (systems that must obey in time) too.
   */
  now(): Date {
    const now = this.clock.now();
    const ahead = this.skewMs ?? 0;
    return ahead > SKEW_STOP_MS ? new Date(now.getTime() - ahead) : now;
  }

  /** Compares now. Rejects when the reference does not answer; what was known stays. */
  async compare(): Promise<void> {
    if (!this.reference) return;
    const begun = performance.now();
    const answered = await this.reference();
    const took = performance.now() - begun;
    const ahead = this.clock.now().getTime() - took / 2 - answered.getTime();
    // What the way of the answer alone can explain is no skew.
    const skew = Math.sign(ahead) * Math.max(0, Math.abs(ahead) - took / 2);
    this.compared = { offset: this.offset(), skew };
    this.judge();
  }

  start(): void {
    this.timer ??= setInterval(() => {
      this.judge();
      void this.compare().catch(() => undefined);
    }, LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private offset(): number {
    return this.clock.now().getTime() - performance.now();
  }

  private judge(): ClockJudgement {
    const skewMs = this.skewMs ?? 0;
    const apart = Math.abs(skewMs);
    const judgement = apart > SKEW_STOP_MS ? 'stopped' : apart > SKEW_ALERT_MS ? 'skewed' : 'sound';
    if (judgement !== this.judgement) {
      this.judgement = judgement;
      this.tell(judgement, { skewMs: Math.round(skewMs) });
    }
    return judgement;
  }
}
