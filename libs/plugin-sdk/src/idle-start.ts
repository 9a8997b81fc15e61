/**
 * The first seconds of a plugin's process, which cost the most, as idle work (sched(7), SCHED_IDLE): whatever else wakes up
 * has the processor at once. At a mere nice value it would wait for the end of the plugin's slice, up to a tick of 4 ms.
 * Idle work is starved on a full machine, so this ends; where it could not be ended it does not begin.
 */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A start takes 0.1 s of a processor and 0.3 s on a busy one; a `hello` is waited for five times as long as this. */
export const IDLE_MS = 2_000;
/** Bit of the right to schedule the processes of others (capabilities(7)). */
const CAP_SYS_NICE = 1n << 23n;
/** RLIMIT_NICE is 20 less the best nice value (getrlimit(2)). */
const LIMIT_OF_NICE_0 = 20;

let possible: boolean | undefined;

/** What stands before the command of a process with this nice value; nothing where it could not be made ordinary again. */
export function idleStart(nice: number): string[] {
  possible ??= mayEndIdle(nice, allowed()) && hasChrt();
  return possible ? ['chrt', '-i', '0'] : [];
}

/** Gives all threads of a process their ordinary policy back; their nice value is as it was. */
export function endIdleStart(pid: number): void {
  if (!possible) return;
  execFile('chrt', ['-a', '-o', '-p', '0', String(pid)], (error) => {
    // It has ended meanwhile, or the system took the right away: then no more starts are idle.
    if (error && isRunning(pid)) possible = false;
  });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What a process is allowed: its `status` and `limits` of proc(5); both empty outside Linux. */
export interface Allowed {
  status: string;
  limits: string;
  root: boolean;
}

function allowed(): Allowed {
  const root = process.geteuid?.() === 0;
  return { status: textOf('/proc/self/status'), limits: textOf('/proc/self/limits'), root };
}

/** Whether one that is allowed this can make idle work ordinary again. Root's plugins run as somebody else: it needs the right. */
export function mayEndIdle(nice: number, { status, limits, root }: Allowed): boolean {
  const rights = BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(status)?.[1] ?? '0'}`);
  const limit = /^Max nice priority\s+(\w+)/m.exec(limits)?.[1] ?? '0';
  if ((rights & CAP_SYS_NICE) !== 0n) return true;
  return !root && (limit === 'unlimited' || Number(limit) >= LIMIT_OF_NICE_0 - nice);
}

/** Of util-linux: others cannot change all threads of a process. */
function hasChrt(): boolean {
  try {
    return execFileSync('chrt', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).includes(
      'util-linux',
    );
  } catch {
    return false;
  }
}

/** Empty where there is no such file, as outside Linux. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
