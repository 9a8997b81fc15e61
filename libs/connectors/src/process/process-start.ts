/** How a plugin's process is started: what it is for, and what it gets from the machine. */
import type { Clock } from '#kernel';
import type { Json } from '@lethe/plugin-sdk';
import type { PluginLog } from './captured-log.js';
import type { Launch } from './isolation.js';
import type { InstalledPlugin } from '../package/plugin-package.js';
import type { StartPoint } from './runtime-folder.js';
import type { Spawner } from './spawner.js';

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
  spawner: Spawner;
  clock: Clock;
  times: ProcessTimes;
  log: PluginLog;
  /** Told whenever the last running call has ended. */
  onIdle: () => void;
}
