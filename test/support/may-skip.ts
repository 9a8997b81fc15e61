/** What a machine lacks for a test: a skip that says why, and a failure where the long forms must prove everything. */

/** True when what is named must be skipped. Errors: under `LETHE_TEST_LONG=1`, unless `LETHE_TEST_MAY_SKIP=1`. */
export function isSkipped(what: string, lacking: string | undefined): boolean {
  if (lacking === undefined) return false;
  if (process.env['LETHE_TEST_LONG'] === '1' && process.env['LETHE_TEST_MAY_SKIP'] !== '1')
    throw new Error(`${what} cannot be tested: ${lacking}. LETHE_TEST_MAY_SKIP=1 goes on without.`);
  process.stdout.write(`${what}: skipped, since ${lacking}\n`);
  return true;
}
