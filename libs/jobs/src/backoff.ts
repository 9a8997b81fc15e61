/** How long to wait after a failure. */

/** Exponential growth from `baseMs`, never above `maxMs`. */
export interface Backoff {
  baseMs: number;
  maxMs: number;
}

/** A number in [0, 1). Passed in, so that tests state it. */
export type Chance = () => number;

/** Milliseconds before the attempt that follows number `attempt` (from 1): full jitter, so that what failed together does not come back together. */
export function backoffMs({ baseMs, maxMs }: Backoff, attempt: number, chance: Chance): number {
  return Math.floor(chance() * Math.min(maxMs, baseMs * 2 ** (attempt - 1)));
}
