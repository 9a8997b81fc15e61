/** How often a plugin may break before it is set aside: 5 times in 10 minutes. */
import type { Clock } from '#kernel';

const WINDOW_MS = 10 * 60_000;

/** Counts the unplanned ends of one connection's process. Quarantine stays until it is cleared by a person. */
export class RestartBudget {
  private failures: number[] = [];
  private spent = false;

  constructor(
    private readonly clock: Clock,
    private readonly most = 5,
  ) {}

  get quarantined(): boolean {
    return this.spent;
  }

  /** Records one unplanned end. True when it was the one too many. */
  failed(): boolean {
    const now = this.clock.now().getTime();
    this.failures = [...this.failures.filter((at) => at > now - WINDOW_MS), now];
    if (this.failures.length >= this.most) this.spent = true;
    return this.spent;
  }

  clear(): void {
    this.failures = [];
    this.spent = false;
  }
}
