/** `lethe doctor`: looks at everything the service needs and says what to do about what is missing. Changes nothing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '#kernel';
import { Database } from '#ledger';
import { readConfig, type Config } from '#platform';
import { assertLogName } from '../../server/src/ledger-parts.js';
import { databaseFindings } from './doctor-database.js';
import { machineFindings } from './doctor-machine.js';
import { serviceUrls } from './doctor-urls.js';
import { bad, good, type Finding } from './finding.js';
import type { Verb } from './terminal.js';

export const doctorVerb: Verb = async (args, terminal) => {
  const { values } = parseArgs({ args, options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help) {
    terminal.say(
      'Usage: lethe doctor; with the environment of the service. Exit status 1 when something must be done.',
    );
    return 0;
  }
  const findings = await examine(terminal.environment);
  const sign = { good: 'ok     ', warning: 'note   ', bad: 'PROBLEM' };
  for (const { state, what, todo } of findings) {
    terminal.say(`${sign[state]}  ${what}`);
    if (todo !== undefined) terminal.say(`         -> ${todo}`);
  }
  const problems = findings.filter(({ state }) => state === 'bad').length;
  terminal.say(problems === 0 ? 'Nothing must be done.' : `${problems} of ${findings.length} checks need you.`);
  return problems === 0 ? 0 : 1;
};

/** Everything that was found, in the order of looking. */
export async function examine(environment: NodeJS.ProcessEnv): Promise<Finding[]> {
  let config: Config;
  try {
    config = readConfig(environment);
    await assertLogName(config);
  } catch (error) {
    return [bad(`settings: ${messageOf(error)}`, 'Correct the environment; docs/operations.md lists every setting.')];
  }
  return [good('settings can be read'), ...(await machineFindings(config)), ...(await databases(config))];
}

async function databases(config: Config): Promise<Finding[]> {
  if (config.embedded && !existsSync(join(config.dataDir, 'postgres')))
    return [good('the embedded database will be made at the first start')];
  const todo = 'Check DATABASE_URL and LETHE_KEYSTORE_URL, and that PostgreSQL runs.';
  try {
    const { ledger, keystore, close } = await serviceUrls(config);
    const database = new Database({ connectionString: ledger });
    const keys = new Database({ connectionString: keystore, max: 2 });
    try {
      return await databaseFindings(database, keys, config, systemClock);
    } finally {
      await Promise.all([database.close(), keys.close()]);
      await close();
    }
  } catch (error) {
    return [bad(`database: ${messageOf(error)}`, todo)];
  }
}

/** A sentence without connection strings. */
function messageOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  const text = message === undefined || message === '' ? (code ?? 'no answer') : message;
  return text.replace(/postgres(ql)?:\/\/\S+/g, '<url>');
}
