/** The reader of the log and its signer, built from a process's configuration. */
import { join } from 'node:path';
import type { Clock, TenantId } from '#kernel';
import {
  FileCheckpointLock,
  LogReader,
  Signer,
  tilesProjection,
  type EventStore,
  type LogKeys,
  type Subscriptions,
} from '#ledger';
import type { Config, KeyProvider, Logger } from '#platform';

/** Also registers the projection that writes the tiles. The signer runs only where it is started. */
export function ledgerParts(
  {
    store,
    subscriptions,
    keys,
    clock,
    log,
  }: { store: EventStore; subscriptions: Subscriptions; keys: KeyProvider; clock: Clock; log: Logger },
  config: Config,
  tenants: () => Promise<TenantId[]>,
): { reader: LogReader; signer: Signer } {
  const logKeys: LogKeys = {
    publicKey: (tenant) => keys.publicKey(tenant, 'log'),
    sign: (tenant, message) => keys.sign(tenant, 'log', message),
  };
  const reader = new LogReader(store.database, config.LETHE_LOG_NAME, logKeys);
  const lock = new FileCheckpointLock(config.LETHE_CHECKPOINT_LOCK ?? join(config.dataDir, 'checkpoints'));
  const signer = new Signer({
    ...{ store, reader, keys: logKeys, lock, clock, tenants },
    tell: (tenant, trouble, fields) => {
      if (trouble)
        log.error({ tenant, trouble, ...fields }, 'a log is not signed any more: restore it, or ask who changed it');
      else log.info({ tenant }, 'the log is signed again');
    },
  });
  subscriptions.project(tilesProjection);
  return { reader, signer };
}
