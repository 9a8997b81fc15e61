/** What the host starts once: `node spawner.js`. It starts the plugins' processes, so that the host never forks itself. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setPriority } from 'node:os';
import { endIdleStart, IDLE_MS, idleStart } from './idle-start.js';

/** One process to start. Travels over the IPC channel; answered by a `SpawnReport` or two. */
export interface SpawnOrder {
  /** Names the order in every report. */
  number: number;
  command: string;
  args: readonly string[];
  cwd: string;
  uid?: number;
  gid?: number;
  /** Path of the host's socket, for the descriptors 1 to 4. */
  socket: string;
  /** What each of them says first on its connection, so that the host knows it. */
  keys: readonly string[];
}

/** `refused`: nothing was started, for `why`. `ended` comes after `started`; `how` is the signal or the exit code. */
export type SpawnReport =
  | { t: 'started'; number: number; pid: number }
  | { t: 'refused'; number: number; why: string }
  | { t: 'ended'; number: number; how: string };

/** Of -20 (first) to 19 (last); the host has 0. A tenth of its weight: late on a crowded machine, but never starved. */
const PRIORITY = 10;

/** Leaders of the groups that run. */
const running = new Set<number>();

// A signal to all processes of the host must not take the plugins from it before it has ended them in order. Nor may one of
// a plugin under the same user open Node's inspector, which obeys whoever finds its port.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1']) process.on(signal, () => undefined);

process.on('message', (order: SpawnOrder) => void obey(order));
// The host is gone, whatever ended it. Also what listens to nothing ends now.
process.on('disconnect', () => {
  for (const pid of running) endGroup(pid);
  process.exit(0);
});

async function obey(order: SpawnOrder): Promise<void> {
  // Paused from the start: whatever the host writes is the plugin's to read.
  const sockets = order.keys.map(() => connect(order.socket).pause());
  try {
    await Promise.all(sockets.map((socket, n) => say(socket, order.keys[n] ?? '')));
    start(order, sockets);
  } catch (error) {
    report({ t: 'refused', number: order.number, why: whyOf(error) });
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function say(socket: Socket, key: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.write(key, (error) => (error ? reject(error) : resolve()));
  });
}

/** With an empty environment and the four sockets as the only way out. */
function start({ number, command, args, cwd, uid, gid }: SpawnOrder, sockets: readonly Socket[]): void {
  // The last word is who must be its parent: whoever is not has lost it before the kernel was asked to tell.
  const [program = command, ...words] = [...idleStart(PRIORITY), command, ...args, String(process.pid)];
  const child = spawn(program, words, {
    cwd,
    env: {},
    stdio: ['ignore', ...sockets],
    // A process group of its own: what the plugin starts ends with it, and a Ctrl-C reaches only the service.
    detached: true,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  const { pid } = child;
  if (pid === undefined) {
    child.on('error', (error) => report({ t: 'refused', number, why: whyOf(error) }));
    return;
  }
  running.add(pid);
  yieldProcessor(pid);
  const ordinary = setTimeout(() => endIdleStart(pid), IDLE_MS);
  report({ t: 'started', number, pid });
  child.on('exit', (code, signal) => {
    clearTimeout(ordinary);
    running.delete(pid);
    endGroup(pid);
    report({ t: 'ended', number, how: signal ?? `exit code ${code}` });
  });
}

/**
 * A plugin gets the processor when the service does not need it: callers of the API never wait for a plugin's start. Its
 * process leads a session of its own, and where Linux groups processes by session (sched(7), "The autogroup feature"),
 * the priority of a process counts only inside its group: the group has one too.
 */
function yieldProcessor(pid: number): void {
  attempt(() => setPriority(pid, PRIORITY));
  attempt(() => writeFileSync(`/proc/${pid}/autogroup`, String(PRIORITY)));
}

function endGroup(pid: number): void {
  attempt(() => process.kill(-pid, 'SIGKILL'));
}

/** What may fail because the process has ended already, or because the system has no such thing. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // Then there is nothing to do.
  }
}

/** Never the message: it names paths. */
function whyOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}

/** A host that is gone is told by the end of the channel. */
function report(what: SpawnReport): void {
  process.send?.(what, undefined, undefined, () => undefined);
}
