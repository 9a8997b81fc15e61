/** How often a plugin may break before it is set aside: 5 times in 10 minutes, each new start later than the last. */
import type { Clock } from '#kernel';

/** Failures older than this are forgotten. */
export const BUDGET_WINDOW_MS = 10 * 60_000;
/** The failure that spends the budget. */
export const BUDGET_FAILURES = 5;
const FIRST_PAUSE_MS = 100;

/** Counts the unplanned ends of one connection's plugin. Quarantine stays until it is cleared by a person. */
export class RestartBudget {
  private failures: number[] = [];
  private spent = false;

  constructor(
    private readonly clock: Clock,
    private readonly most = BUDGET_FAILURES,
  ) {}

  get quarantined(): boolean {
    return this.spent;
  }

  /** How long to wait before the next start: nothing after one failure, then twice as long each time. */
  get pauseMs(): number {
    const recent = this.recent().length;
    return recent < 2 ? 0 : FIRST_PAUSE_MS * 2 ** (recent - 2);
  }

  /** Records one unplanned end. True when it was the one too many. */
  failed(): boolean {
    this.failures = [...this.recent(), this.clock.now().getTime()];
    if (this.failures.length >= this.most) this.spent = true;
    return this.spent;
  }

  clear(): void {
    this.failures = [];
    this.spent = false;
  }

  private recent(): number[] {
    const from = this.clock.now().getTime() - BUDGET_WINDOW_MS;
    return this.failures.filter((at) => at > from);
  }
}
