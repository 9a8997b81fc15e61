/** Starts one Lethe process from its configuration; tests start the same one with another clock. */
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { systemClock, type Clock, type TenantId } from '#kernel';
import { EventStore, Subscriptions } from '#ledger';
import { createLogger, FileKeys, nestLog, type Config, type PlatformParts } from '#platform';
import { Tenants } from '#tenancy';
import { AppModule } from './app.module.js';
import { fastifyAdapter, frame } from './http.js';
import { openDatabases } from './open-databases.js';
import { serveOpenApi } from './openapi.js';
import { schemas } from './schemas.js';

/** What may differ from production in a test or a demo. */
export interface ServerOptions {
  clock?: Clock;
  /** Told one line a step while starting. */
  say?: (line: string) => void;
  /** Calls a minute per key; the default suits production. */
  callsPerMinute?: number;
  /** Serve the readable API page at `/docs`. */
  docs?: boolean;
}

export interface RunningServer {
  app: NestFastifyApplication;
  baseUrl: string;
  parts: PlatformParts;
  /** Refuses new calls, lets running ones finish, stops workers, closes the databases. */
  close(): Promise<void>;
}

/** Opens databases, builds the application and listens. Errors: a sentence for the operator. */
export async function startServer(config: Config, options: ServerOptions = {}): Promise<RunningServer> {
  const say = options.say ?? (() => undefined);
  const log = createLogger(config.LETHE_LOG_LEVEL);
  const databases = await openDatabases(config, schemas, say);
  const clock = options.clock ?? systemClock;
  const store = new EventStore(databases.database, clock);
  const parts: PlatformParts = {
    clock,
    config,
    log,
    database: databases.database,
    keystoreDatabase: databases.keystoreDatabase,
    store,
    subscriptions: new Subscriptions(
      store,
      () => tenantIds(app),
      (message, fields) => log.error(fields, message),
    ),
    keys: await FileKeys.open(config.keyDir),
  };
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(parts), fastifyAdapter(), {
    logger: nestLog(log),
    abortOnError: false,
  });
  await frame(app, options.callsPerMinute ?? 60_000);
  serveOpenApi(app, options.docs ?? false);
  await app.listen(config.PORT, config.LETHE_HOST);
  if (config.LETHE_ROLES.includes('worker')) parts.subscriptions.start();
  return { app, parts, baseUrl: await app.getUrl(), close: () => close(app, parts, databases.close) };
}

async function tenantIds(app: NestFastifyApplication): Promise<TenantId[]> {
  return (await app.get(Tenants).all()).map((tenant) => tenant.id);
}

async function close(
  app: NestFastifyApplication,
  parts: PlatformParts,
  closeDatabases: () => Promise<void>,
): Promise<void> {
  await app.close();
  await parts.subscriptions.stop();
  await parts.store.drained();
  await closeDatabases();
}
