/** The service's parts without its HTTP surface, for verbs that must work while it is down. */
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { nestLog, readConfig, type Config, type PlatformParts } from '#platform';
import { AppModule } from '../../server/src/app.module.js';
import { openParts, tenantIds } from '../../server/src/server.js';
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

/** Opens databases (embedded ones are started, or found running) and wires every domain. */
export async function openApplication(config: Config): Promise<OpenApplication> {
  const { parts, close } = await openParts(config, () => tenantIds(app));
  const app: INestApplicationContext = await NestFactory.createApplicationContext(AppModule.with(parts), {
    logger: nestLog(parts.log),
    abortOnError: false,
  });
  return {
    app,
    parts,
    close: async () => {
      await app.close();
      await close();
    },
  };
}
