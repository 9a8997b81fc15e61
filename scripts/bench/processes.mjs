// Each side of a comparison is a process of its own that idles until it is asked: heaps, timers and JIT states do not mix.
import { fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Starts a child that speaks `answer` below.
 *
 * @param {string} file absolute path of the module
 * @param {{args?: unknown}} [options] `args` is handed to the child's `start`
 */
export async function startProcess(file, { args = {} } = {}) {
  const child = fork(file, [], {
    // All but the first are what `npm start` gives to Node; both sides of a row get them.
    execArgv: [
      '--disable-warning=ExperimentalWarning',
      '--max-semi-space-size=64',
      '--v8-pool-size=0',
      '--heap-growing-percent=100',
    ],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map();
  let next = 0;
  child.on('message', ({ id, value, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(value);
    else reject(new Error(error));
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  void gone.then((code) => {
    for (const { reject } of waiting.values())
      reject(new Error(`${file} ended (${code}) while it was asked something`));
  });
  const ask = (operation, data = {}) =>
    new Promise((resolve, reject) => {
      const id = (next += 1);
      waiting.set(id, { resolve, reject });
      child.send({ id, operation, data }, (error) => error && reject(error));
    });
  const started = await ask('start', args);
  return {
    started,
    ask,
    async stop() {
      if (child.connected) child.disconnect();
      const patience = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await gone;
      clearTimeout(patience);
    },
  };
}

/** Runs something of which `child` is the server, and adds its processor time per call; profiles it when a folder is given. */
export async function watched(child, run, folder) {
  if (folder) await child.ask('profile', { folder });
  const before = await child.ask('cpu');
  const result = await run();
  const cpu = ((await child.ask('cpu')) - before) / result.count;
  if (folder) await child.ask('profile', { folder });
  return { ...result, cpu };
}

/** Processor time of this process so far, in microseconds: unlike a rate, neighbours on the machine hardly change it. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

let session;

/** Begins a CPU profile, or writes the running one into `folder` and ends it. */
async function profile({ folder }) {
  const { Session } = await import('node:inspector/promises');
  if (!session) {
    session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    return;
  }
  const done = await session.post('Profiler.stop');
  session.disconnect();
  session = undefined;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${process.pid}-${Date.now()}.cpuprofile`), JSON.stringify(done.profile));
}

/**
 * The child's side: answers operations until the parent lets go, then calls `stop` and ends.
 *
 * @param {Record<string, (data: any) => unknown>} operations must hold `start`
 * @param {() => unknown} [stop]
 */
export function answer(operations, stop = () => undefined) {
  const all = { cpu, profile, ...operations };
  process.on('message', ({ id, operation, data }) => {
    Promise.resolve()
      .then(() => all[operation](data))
      .then(
        (value) => process.send({ id, value }),
        (error) => process.send({ id, error: String(error?.stack ?? error) }),
      );
  });
  process.once('disconnect', () => {
    Promise.resolve()
      .then(stop)
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  });
}
