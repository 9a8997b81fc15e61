/** Entry of the service. `--demo`, which only `npm start` gives, also tells the demonstration. */
import './no-inspector.js';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import 'reflect-metadata';
import { processEnvironment, readConfig, type Config } from '#platform';
import { mayDemonstrate, startDemo, type RunningDemo } from './demo.js';
import { startServer, tenantIds, type RunningServer } from './server.js';

const say = (line: string): boolean => process.stdout.write(`  ${line}\n`);

/** Runs until a signal asks it to end, then ends what it started, in the opposite order. */
async function main(): Promise<void> {
  const stop = stopAsked();
  const { demo: asked } = parseArgs({ options: { demo: { type: 'boolean' } } }).values;
  const config = readConfig(processEnvironment());
  await assertPortFree(config);
  const server = await startServer(config, { docs: true, say });
  process.stdout.write(`Lethe is ready at ${server.baseUrl}\n`);
  const demo = asked && mayDemonstrate(config) && !stop.asked ? await demonstrate(config, server) : undefined;
  // Only a hint: a database that is away at this moment comes back.
  const tenants = await tenantIds(server.app).catch(() => undefined);
  if (tenants?.length === 0) say('There is no tenant yet: lethe bootstrap --name <controller>');
  // Ctrl-C is a human who waits; whoever replaces a replica sends SIGTERM.
  if ((await stop.promise) === 'SIGTERM') await server.drain();
  await demo?.close();
  await server.close();
}

/** Asked before anything is started, so that the answer comes at once and alone. */
async function assertPortFree({ PORT: port, LETHE_HOST: host }: Config): Promise<void> {
  if (port === 0) return;
  const probe = createServer();
  probe.listen({ port, host, exclusive: true });
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}

/** A demonstration that cannot start must not take the service down. */
async function demonstrate(config: Config, server: RunningServer): Promise<RunningDemo | undefined> {
  try {
    return await startDemo(config, server, say);
  } catch (error) {
    process.stderr.write(`  The demonstration cannot run: ${sentence(error)}\n`);
    return undefined;
  }
}

type StopSignal = 'SIGINT' | 'SIGTERM';

/** A signal during the start is answered once the start is over, so that nothing is left half open. */
function stopAsked(): { asked: boolean; promise: Promise<StopSignal> } {
  const stop = { asked: false, promise: Promise.resolve<StopSignal>('SIGTERM') };
  stop.promise = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => {
        stop.asked = true;
        resolve(signal);
      });
  });
  return stop;
}

function sentence(error: unknown): string {
  const { code, message, port, path } = error as { code?: unknown; message?: unknown; port?: number; path?: string };
  if (code === 'EADDRINUSE')
    return `port ${port ?? ''} is taken. Stop what listens there, or choose another: PORT=3001 npm start`;
  if (code === 'EACCES' && port !== undefined)
    return `port ${port} may not be opened by this user. Choose one above 1023: PORT=3001 npm start`;
  if (code === 'EADDRNOTAVAIL') return 'this machine has no address LETHE_HOST. Without the setting it is 127.0.0.1.';
  if (code === 'ENOSPC') return 'the disk is full. Make room, or name folders on another disk (LETHE_DATA_DIR).';
  if (typeof code === 'string' && ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(code) && path !== undefined)
    return `${path} cannot be used by this user. Set LETHE_DATA_DIR, LETHE_KEY_DIR and LETHE_CHECKPOINT_LOCK to folders of its own.`;
  return typeof message === 'string' ? message : 'for a reason that is no error';
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`Lethe cannot start: ${sentence(error)}\n`);
    process.exit(1);
  },
);
