/** Starts one Lethe process from its configuration; tests start the same one with another clock. */
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { systemClock, type Clock, type TenantId } from '#kernel';
import { EventStore, openArchive, Subscriptions, type RollbackParts, type Trouble } from '#ledger';
import { createLogger, FileKeys, Metrics, nestLog, ServiceState, type Config, type PlatformParts } from '#platform';
import { Tenants } from '#tenancy';
import { AppModule } from './app.module.js';
import { Drain } from './drain.js';
import { fastifyAdapter, frame } from './http.js';
import { assertLogName, ledgerParts } from './ledger-parts.js';
import { openDatabases } from './open-databases.js';
import { serveOpenApi } from './openapi.js';
import { startOperations, type Operations } from './operations.js';
import { openClockGuard } from './open-clock-guard.js';
import { schemas } from './schemas.js';
import { StateWatch } from './state-watch.js';
import { refusesWrites } from './writable-folder.js';

/** What may differ from production in a test or a demo. */
export interface ServerOptions {
  clock?: Clock;
  /** Told one line a step while starting. */
  say?: (line: string) => void;
  /** Calls a minute per key; the default suits production. */
  callsPerMinute?: number;
  /** Serve the readable API page at `/docs`. */
  docs?: boolean;
  /** Compare a clock that was passed in with the database's too, as the machine's always is. */
  guardClock?: boolean;
}

export interface RunningServer {
  app: NestFastifyApplication;
  baseUrl: string;
  /** Where metrics are served; absent when the admin port is closed. */
  adminPort?: number;
  parts: PlatformParts;
  /** Says not ready and answers until nothing comes any more: before `close`, where a balancer sends the calls. */
  drain(): Promise<void>;
  /** Refuses new calls, lets running ones finish, stops workers, closes the databases. */
  close(): Promise<void>;
}

/** The databases, keys and ledger of a process, before there is an application. */
export interface OpenParts {
  parts: PlatformParts;
  /** Looks for what must stop this process; the service starts it, a command asks it once or not at all. */
  watch: StateWatch;
  /** For comparing logs with their signed heads, and for going on without what is lost. */
  rollback: RollbackParts;
  /** Stops what runs over the databases, then closes them; call it after the application's own close. */
  close(): Promise<void>;
}

/** Opens databases and keys. `tenants` is asked once subscriptions run. Errors: a sentence for the operator. */
export async function openParts(
  config: Config,
  tenants: () => Promise<TenantId[]>,
  options: Pick<ServerOptions, 'clock' | 'say' | 'guardClock'> = {},
): Promise<OpenParts> {
  const log = createLogger(config.LETHE_LOG_LEVEL);
  await assertLogName(config);
  const databases = await openDatabases(config, schemas, options.say ?? (() => undefined));
  try {
    const clock = options.clock ?? systemClock;
    const metrics = new Metrics();
    const clockGuard = openClockGuard(databases.database, clock, log, options);
    // Before anybody asks it. Without an answer nothing is known to be wrong; the first comparison that succeeds judges.
    await clockGuard.compare().catch(() => undefined);
    const state = new ServiceState(clock);
    const archived = config.LETHE_ARCHIVE_URL !== undefined;
    const store = new EventStore(databases.database, clockGuard, () => state.assertWritable(), archived);
    const trouble: Trouble = (message, fields) => log.error(fields, message);
    const subscriptions = new Subscriptions(store, tenants, trouble);
    const { database, keystoreDatabase } = databases;
    const { rows: rings } = await keystoreDatabase.global({ text: 'SELECT ring_id FROM key_ring' });
    const keys = await FileKeys.open(config.keyDir, rings.length > 0);
    const { reader, signer, lock, logKeys } = ledgerParts(
      { store, subscriptions, keys, clock, log, state, clockGuard },
      config,
      tenants,
    );
    const watch = new StateWatch({ state, database, store, reader, signer, log }, lock, tenants);
    const close = async (): Promise<void> => {
      clockGuard.stop();
      await Promise.all([subscriptions.stop(), signer.stop(), watch.stop()]);
      await store.drained();
      await databases.close();
    };
    return {
      parts: {
        clock,
        config,
        log,
        database,
        keystoreDatabase,
        store,
        subscriptions,
        reader,
        signer,
        keys,
        state,
        metrics,
        clockGuard,
      },
      watch,
      rollback: { store, reader, keys: logKeys, lock, clock },
      close,
    };
  } catch (error) {
    await databases.close();
    throw error;
  }
}

/** Opens databases, builds the application and listens. Errors: a sentence for the operator. */
export async function startServer(config: Config, options: ServerOptions = {}): Promise<RunningServer> {
  const { parts, watch, close } = await openParts(config, () => tenantIds(app), options);
  await tellOfArchive(parts);
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(parts), fastifyAdapter(config), {
    logger: nestLog(parts.log),
    abortOnError: false,
  });
  await frame(app, options.callsPerMinute);
  const drain = new Drain(app.getHttpAdapter().getInstance() as unknown as FastifyInstance);
  serveOpenApi(app, options.docs ?? false);
  let operations: Operations | undefined;
  const closeAll = async (): Promise<void> => {
    await operations?.close();
    await app.close();
    await close();
  };
  try {
    parts.clockGuard.start();
    await watch.look();
    watch.start();
    operations = await startOperations(
      parts,
      () => tenantIds(app),
      () => drain.assertServing(),
    );
    await app.listen(config.PORT, config.LETHE_HOST);
  } catch (error) {
    // Whatever cannot be closed in order any more says less than why there was no start.
    await closeAll().catch(() => undefined);
    throw error;
  }
  if (config.LETHE_ROLES.includes('worker')) parts.subscriptions.start();
  if (config.LETHE_ROLES.includes('signer')) parts.signer.start();
  return {
    app,
    parts,
    baseUrl: await app.getUrl(),
    ...(operations.adminPort === undefined ? {} : { adminPort: operations.adminPort }),
    // An embedded installation is one replica: there is nobody who could be sent its calls.
    drain: () =>
      drain.finish(config.embedded ? 0 : config.LETHE_DRAIN_LEAST_SECONDS * 1000, config.LETHE_DRAIN_SECONDS * 1000),
    close: closeAll,
  };
}

/** Not refused: what waits for the archive waits in the ledger, and people need not. */
async function tellOfArchive({ config: { LETHE_ARCHIVE_URL: url }, log }: PlatformParts): Promise<void> {
  const code = url === undefined ? undefined : await refusesWrites(openArchive(url).folder);
  if (code !== undefined) log.error({ code }, 'the archive folder cannot be written, nothing is copied out');
}

/** Ids of all tenants of an application. */
export async function tenantIds(app: INestApplicationContext): Promise<TenantId[]> {
  return (await app.get(Tenants).all()).map((tenant) => tenant.id);
}
