/** The reader of the log and its signer, built from a process's configuration. */
import { join } from 'node:path';
import type { TenantId } from '#kernel';
import {
  archiveProjection,
  FileCheckpointLock,
  LogReader,
  openArchive,
  originOf,
  Signer,
  tilesProjection,
  type ArchiveSource,
  type CheckpointLock,
  type Database,
  type EventStore,
  type LogKeys,
} from '#ledger';
import type { Config, KeyProvider, PlatformParts } from '#platform';
import { ROLLBACK_DETAIL } from './state-watch.js';

/** Where the last signed heads are kept. */
export function checkpointFolder(config: Config): string {
  return config.LETHE_CHECKPOINT_LOCK ?? join(config.dataDir, 'checkpoints');
}

/** Under another name every signed head would look forged. Errors: a sentence for the operator. */
export async function assertLogName(config: Config): Promise<void> {
  const lock = new FileCheckpointLock(checkpointFolder(config));
  for (const logId of await lock.logs()) {
    const [origin = ''] = (await lock.read(logId))?.note.split('\n') ?? [];
    const name = origin.slice(0, -originOf('', logId).length);
    if (origin !== originOf(name, logId) || name === config.LETHE_LOG_NAME) continue;
    throw new Error(
      `this installation's logs are named ${name}/…, which never changes: set LETHE_LOG_NAME=${name}, or name another LETHE_CHECKPOINT_LOCK.`,
    );
  }
}

/** The log as it is read in one process. */
export function logReader(
  database: Database,
  { LETHE_LOG_NAME: name }: Config,
  keys: KeyProvider,
): { reader: LogReader; logKeys: LogKeys } {
  const logKeys: LogKeys = {
    publicKey: (tenant, generation) => keys.publicKey(tenant, 'log', generation),
    sign: (tenant, message, generation) => keys.sign(tenant, 'log', message, generation),
  };
  return { reader: new LogReader(database, name, logKeys), logKeys };
}

/** Also registers the projection that writes the tiles. The signer runs only where it is started. */
export function ledgerParts(
  parts: Pick<PlatformParts, 'store' | 'subscriptions' | 'keys' | 'clock' | 'log' | 'state' | 'clockGuard'>,
  config: Config,
  tenants: () => Promise<TenantId[]>,
): { reader: LogReader; signer: Signer; lock: CheckpointLock; logKeys: LogKeys } {
  const { store, subscriptions, keys, clock, log, state, clockGuard } = parts;
  const { reader, logKeys } = logReader(store.database, config, keys);
  const lock = new FileCheckpointLock(checkpointFolder(config));
  const signer = new Signer({
    ...{ store, reader, keys: logKeys, lock, clock, tenants },
    maySign: () => clockGuard.mayDate,
    tell: (tenant, trouble, fields) => {
      // The watch of every process finds it too, a little later.
      if (trouble === 'rollback-detected') state.refuse(trouble, ROLLBACK_DETAIL);
      if (trouble)
        log.error({ tenant, trouble, ...fields }, 'a log is not signed any more: restore it, or ask who changed it');
      else log.info({ tenant }, 'the log is signed again');
    },
  });
  subscriptions.project(tilesProjection);
  if (config.LETHE_ARCHIVE_URL !== undefined)
    subscriptions.project(archiveProjection(openArchive(config.LETHE_ARCHIVE_URL), archiveSource(store, keys)));
  return { reader, signer, lock, logKeys };
}

/** What the archive asks of this installation. */
export function archiveSource({ database }: Pick<EventStore, 'database'>, keys: KeyProvider): ArchiveSource {
  return {
    logId: async (tenant) => (await tenantRow(database, tenant)).log_id,
    describe: async (tenant) => JSON.stringify(await tenantRow(database, tenant)),
    seal: (tenant, line) => keys.mac(tenant, 'item', `archive|${line}`).toString('hex'),
  };
}

/** The tenant's own row, since a tenant that is younger than a backup is known from the archive alone. */
async function tenantRow(database: Database, tenant: TenantId): Promise<{ log_id: string }> {
  const { rows } = await database.global<{ row: { log_id: string } }>({
    text: 'SELECT to_jsonb(t) AS row FROM tenant t WHERE id = $1',
    values: [tenant],
  });
  if (!rows[0]) throw new Error('a tenant has no row');
  return rows[0].row;
}
