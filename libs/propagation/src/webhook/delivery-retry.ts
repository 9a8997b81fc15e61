/** When a delivery that failed is tried again, and when it is given up. Pure; chance is passed in. */
import type { Chance } from '#jobs';

const SECOND = 1_000;
const HOUR = 3_600_000;
/** From the first attempt to the last. */
export const RETRY_FOR_MS = 72 * HOUR;
const FIRST_MS = 5 * SECOND;
const LONGEST_MS = 6 * HOUR;
/** A receiver that cannot be reached at all is left alone for a while, by every delivery. */
const REST_MS = SECOND;
const LONGEST_REST_MS = 60 * SECOND;

/** What came of an attempt that was no success. */
export interface Failure {
  /** Attempts so far, this one included. */
  attempts: number;
  firstAt: Date;
  now: Date;
  /** Milliseconds that the receiver asked for. */
  retryAfterMs: number | undefined;
}

/**
 * Undefined once 72 hours are over. Otherwise doubling from five seconds to six hours, half of it by chance, never before
 * the receiver's own Retry-After, and the last one exactly at the end.
 */
export function nextAttempt({ attempts, firstAt, now, retryAfterMs = 0 }: Failure, chance: Chance): Date | undefined {
  const end = firstAt.getTime() + RETRY_FOR_MS;
  if (now.getTime() >= end) return undefined;
  const wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 20));
  const jittered = wait / 2 + (wait / 2) * chance();
  return new Date(Math.min(end, now.getTime() + Math.max(jittered, retryAfterMs)));
}

/** Until when an endpoint rests after `failures` attempts in a row that did not reach it or that it asked to hold. */
export function restUntil(failures: number, now: Date, retryAfterMs = 0): Date {
  const rest = Math.min(LONGEST_REST_MS, REST_MS * 2 ** Math.min(failures - 1, 10));
  return new Date(now.getTime() + Math.max(rest, Math.min(retryAfterMs, RETRY_FOR_MS)));
}

/** `Retry-After` as seconds or as an HTTP date (RFC 9110 section 10.2.3), in milliseconds from now. */
export function retryAfterOf(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * SECOND;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}
