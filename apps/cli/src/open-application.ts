/** The service's parts without its HTTP surface, for verbs that must work while it is down. */
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { nestLog, readConfig, type Config, type PlatformParts } from '#platform';
import { AppModule } from '../../server/src/app.module.js';
import { openParts, tenantIds } from '../../server/src/server.js';
import { QUARANTINE } from '../../server/src/state-watch.js';
import type { Terminal } from './terminal.js';

export interface OpenApplication {
  app: INestApplicationContext;
  parts: PlatformParts;
  close(): Promise<void>;
}

/** The configuration of the environment for one command: it answers nobody and works off no jobs. */
export function commandConfig({ environment }: Terminal): Config {
  return { ...readConfig(environment), LETHE_ROLES: ['api'], LETHE_LOG_LEVEL: 'error' };
}

const CLOCK_DETAIL =
  'The clocks of this machine and of the database are too far apart to date what a command writes: let both follow the same time server.';

/**
 * Opens databases (embedded ones are started, or found running) and wires every domain. A quarantine refuses callers only:
 * what ends it is commands' work. `reads`: the command appends nothing, so that it may look at what must not be written.
 * Errors: a sentence with what to do before anything else.
 */
export async function openApplication(config: Config, { reads = false } = {}): Promise<OpenApplication> {
  const { parts, watch, close: closeParts } = await openParts(config, () => tenantIds(app));
  const app: INestApplicationContext = await NestFactory.createApplicationContext(AppModule.with(parts), {
    logger: nestLog(parts.log),
    abortOnError: false,
  });
  const close = async (): Promise<void> => {
    await app.close();
    await closeParts();
  };
  try {
    const { state, clockGuard } = parts;
    await clockGuard.compare();
    await watch.look();
    state.clear(QUARANTINE);
    if (!clockGuard.mayDate) state.refuse('clock-skew', CLOCK_DETAIL);
    if (!reads) state.assertWritable();
    return { app, parts, close };
  } catch (error) {
    await close();
    throw error;
  }
}
