/** A call that is sent again, under the same key, when nobody can say what became of it. */
import { LetheProblem } from './client.js';

const ATTEMPTS = 6;
const FIRST_MS = 200;
const LONGEST_MS = 10_000;

/** True for what may pass: no answer, overload, an answer under way. A refusal stays a refusal. */
export function mayPass(error: unknown): boolean {
  if (error instanceof LetheProblem)
    return error.status === 429 || error.status >= 500 || error.document['retryable'] === true;
  // `fetch` rejects with a TypeError when there is no answer.
  return error instanceof TypeError;
}

/**
 * Calls until there is an answer, at most six times, with one Idempotency-Key for all of them.
 *
 * @throws what the last attempt threw, and the signal's reason when it aborts
 */
export async function repeated<T>(
  call: (headers: Record<string, string>) => Promise<{ data?: T }>,
  signal?: AbortSignal,
): Promise<T> {
  const headers = { 'idempotency-key': globalThis.crypto.randomUUID() };
  for (let attempt = 1; ; attempt++) {
    try {
      const { data } = await call(headers);
      return data as T;
    } catch (error) {
      if (!mayPass(error) || attempt === ATTEMPTS) throw error;
      await pause(Math.min(FIRST_MS * 2 ** attempt, LONGEST_MS) * (0.5 + Math.random() / 2), signal);
      signal?.throwIfAborted();
    }
  }
}

/** Waits; ends early, without a word, when the signal aborts. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done, { once: true });
  });
}
