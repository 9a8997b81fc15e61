// Each side of a comparison is a process of its own that idles until it is asked: heaps, timers and JIT states do not mix.
import { fork } from 'node:child_process';

/**
 * Starts a child that speaks `answer` below.
 *
 * @param {string} file absolute path of the module
 * @param {{args?: unknown, cwd?: string, nodeArgs?: string[]}} [options] `args` is handed to the child's `start`
 */
export async function startProcess(file, { args = {}, cwd, nodeArgs = [] } = {}) {
  const child = fork(file, [], {
    cwd,
    execArgv: ['--disable-warning=ExperimentalWarning', ...nodeArgs],
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

/**
 * The child's side: answers operations until the parent lets go, then calls `stop` and ends.
 *
 * @param {Record<string, (data: any) => unknown>} operations must hold `start`
 * @param {() => unknown} [stop]
 */
export function answer(operations, stop = () => undefined) {
  process.on('message', ({ id, operation, data }) => {
    Promise.resolve()
      .then(() => operations[operation](data))
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
