/** How a plugin's process is started: what it is for, and what it gets from the machine. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { Clock } from '#kernel';
import type { Json } from '@lethe/plugin-sdk';
import type { PluginLog } from './captured-log.js';
import type { Launch } from './isolation.js';
import type { InstalledPlugin } from '../package/plugin-package.js';
import type { StartPoint } from './runtime-folder.js';

/** Of -20 (first) to 19 (last); the service has 0. A tenth of its weight: late on a crowded machine, but never starved. */
const PRIORITY = 10;

/** What a process is for. */
export interface ProcessOwner {
  id: string;
  tenant: string;
  plugin: InstalledPlugin;
  config: Json;
  secrets: Record<string, string>;
}

/** Times in milliseconds; the defaults are the protocol's. */
export interface ProcessTimes {
  hello: number;
  /** From an abort to the end by force. */
  grace: number;
}

/** Everything a process is started with. */
export interface ProcessStart {
  owner: ProcessOwner;
  point: StartPoint;
  launch: Launch;
  clock: Clock;
  times: ProcessTimes;
  log: PluginLog;
  /** Told whenever the last running call has ended. */
  onIdle: () => void;
}

/** Starts the runner with an empty environment, in an empty folder, with fd 3 and 4 as the only way to the host. */
export function spawnPlugin(point: StartPoint, launch: Launch): ChildProcess {
  return spawn(launch.command, [...launch.args, point.runner, point.plugin], {
    cwd: point.cwd,
    env: {},
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    // A process group of its own: what the plugin starts ends with it, and a Ctrl-C reaches only the service.
    detached: true,
    ...(launch.uid === undefined ? {} : { uid: launch.uid }),
    ...(launch.gid === undefined ? {} : { gid: launch.gid }),
  });
}

/**
 * A plugin gets the processor when the service does not need it: callers of the API never wait for a plugin's start. Its
 * process leads a session of its own, and where Linux groups processes by session (sched(7), "The autogroup feature"),
 * the priority of a process counts only inside its group: the group has one too.
 */
export function yieldProcessor(pid: number | undefined): void {
  if (pid === undefined) return;
  const attempts = [
    (): void => setPriority(pid, PRIORITY),
    (): void => writeFileSync(`/proc/${pid}/autogroup`, String(PRIORITY)),
  ];
  for (const attempt of attempts) {
    try {
      attempt();
    } catch {
      // It has ended already, or the system has no such thing.
    }
  }
}
