/** Waits for what happens by itself. */
import type { TestServer } from './test-server.js';

/** Resolves with the first value that is not undefined and not false; throws naming `what` after `ms`. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  ms = 60_000,
): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`not in ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Resolves when no job has been due or at work for a quarter of a second: what was to happen by the clock has happened. */
export async function atRest({ superuser, clock }: Pick<TestServer, 'superuser' | 'clock'>): Promise<void> {
  let quietSince = performance.now();
  await until('no job is due', async () => {
    const { rowCount } = await superuser.query(
      `SELECT FROM job WHERE state = 'running' OR (state = 'ready' AND run_at <= $1) LIMIT 1`,
      [clock.now()],
    );
    if (rowCount !== 0) quietSince = performance.now();
    return performance.now() - quietSince > 250;
  });
}
