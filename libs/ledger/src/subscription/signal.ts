/** Small waiting tools of the loops: a signal that is not lost when nobody waits yet, and bounds on what runs at once and how often. */

/** `raise` ends a wait, also one that begins later. */
export class Signal {
  private raised = false;
  private end: () => void = () => undefined;
  private later: NodeJS.Timeout | undefined;

  /** Raises it in so many milliseconds, unless that is to happen earlier. */
  raiseIn(milliseconds: number): void {
    this.later ??= setTimeout(() => this.raise(), milliseconds);
  }

  raise(): void {
    clearTimeout(this.later);
    this.later = undefined;
    this.raised = true;
    this.end();
  }

  /** Resolves when raised, or after `milliseconds`. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.raised) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.end = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.raised = false;
  }
}

/** Runs at most `free` pieces of work at a time, first come, first served. */
export class Turnstile {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }
}

/** Lets a burst of turns pass at once; a stream without end gets one every `everyMs`. */
export class Pace {
  private spent = 0;
  private at = performance.now();

  constructor(
    private readonly burst: number,
    private readonly everyMs: number,
  ) {}

  /** Spends a turn; returns for how many milliseconds to wait before the next. */
  spend(): number {
    const now = performance.now();
    this.spent = Math.max(0, this.spent - (now - this.at) / this.everyMs) + 1;
    this.at = now;
    return Math.max(0, this.spent - this.burst) * this.everyMs;
  }
}
