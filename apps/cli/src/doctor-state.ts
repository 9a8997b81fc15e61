/** What the doctor asks of the installation's state: what a service would find at its start, and what a running one says. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, type TenantId } from '#kernel';
import { EventStore, FileCheckpointLock, type Database } from '#ledger';
import { createLogger, FileKeys, ServiceState, type Config } from '#platform';
import { checkpointFolder, logReader } from '../../server/src/ledger-parts.js';
import type { Unready } from '../../server/src/readiness.js';
import { StateWatch } from '../../server/src/state-watch.js';
import { bad, good, type Finding } from './finding.js';

const ANSWER_MS = 3_000;

/** Bad ones: why nobody may be served, by the codes of `/readyz`. */
export async function stateFindings(config: Config, database: Database, tenants: TenantId[]): Promise<Finding[]> {
  const found = new Map([...(await looked(config, database, tenants)), ...(await told(config))]);
  if (found.size === 0) return [good('nothing stops the service')];
  return [...found].map(([code, detail]) => bad(`the service is stopped: ${code}`, detail));
}

async function looked(config: Config, database: Database, tenants: TenantId[]): Promise<[string, string][]> {
  const hasKeys = existsSync(join(config.keyDir, 'keyring.json'));
  if (!hasKeys && tenants.length > 0)
    return [['key-unavailable', 'LETHE_KEY_DIR holds no keys, but there are tenants: name the folder that does.']];
  // What is wrong with keys is said of the folder.
  const keys = hasKeys ? await FileKeys.open(config.keyDir, true).catch(() => undefined) : undefined;
  if (!keys) return [];
  const state = new ServiceState(systemClock);
  const { reader } = logReader(database, config, keys);
  const store = new EventStore(database, systemClock);
  const parts = { state, database, store, reader, signer: { trouble: undefined }, log: createLogger('silent') };
  const watch = new StateWatch(parts, new FileCheckpointLock(checkpointFolder(config)), async () => tenants);
  await watch.look(0);
  return state.refusals.map(({ code, detail }) => [code, detail]);
}

/** Of a service on this machine; one that does not run, or is another program, says nothing. */
async function told({ LETHE_ADMIN_PORT: admin, LETHE_HOST: host, PORT: port }: Config): Promise<[string, string][]> {
  const place = admin === undefined ? `${host.includes(':') ? `[${host}]` : host}:${port}` : `127.0.0.1:${admin}`;
  try {
    const answer = await fetch(`http://${place}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) });
    const { reasons = [] } = (await answer.json()) as { reasons?: Unready[] };
    return reasons.map(({ code, detail }) => [code, detail]);
  } catch {
    return [];
  }
}
