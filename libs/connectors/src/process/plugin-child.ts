/** A plugin's process as the service has it: not its own child, but its spawner's. */
import type { Readable, Writable } from 'node:stream';

/** How a plugin's process ended: signal or exit code, or `lost`, with the spawner. */
export interface PluginExit {
  how: string;
  lost: boolean;
}

/** A plugin's process that runs. */
export interface PluginChild {
  pid: number;
  stdout: Readable;
  stderr: Readable;
  toPlugin: Writable;
  fromPlugin: Readable;
  /** Never rejects. The group has ended then. */
  ended: Promise<PluginExit>;
  /** For one that was ended and whose end nobody reports: its spawner hangs, and ends. */
  giveUp(): void;
}

/** Nothing was started; `detail` is why not, free of paths: an error code, or how the spawner itself has ended. */
export class SpawnFailure extends Error {
  constructor(readonly detail: string) {
    super(`no process was started: ${detail}`);
    this.name = 'SpawnFailure';
  }
}

/** Ends a process and what it has started. */
export function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // No such process: it has ended already.
  }
}
