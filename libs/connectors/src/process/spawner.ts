/** Has the plugins' processes started by another process, because a fork stops the service as long as it takes. */
import { dirname, extname, join } from 'node:path';
import { Introductions } from './introductions.js';
import type { Launch } from './isolation.js';
import { SpawnFailure, type PluginChild } from './plugin-child.js';
import type { StartPoint } from './runtime-folder.js';
import { SpawnerProcess } from './spawner-process.js';

const START_MS = 30_000;

/** Of the SDK, beside its runner. */
export function spawnerBeside(runner: string): string {
  return join(dirname(runner), `spawner${extname(runner)}`);
}

/** One spawner at a time, from the first start on; another one when it has ended. */
export class Spawner {
  private place: Promise<Introductions> | undefined;
  private process: SpawnerProcess | undefined;
  private closed = false;

  /**
   * `program` gives the path of what to run. `onLost` is told when a spawner has ended that nobody wanted to end, with
   * its signal or exit code.
   */
  constructor(
    private readonly program: () => string,
    private readonly onLost: (how: string) => void = () => undefined,
  ) {}

  /**
   * Starts the runner with an empty environment, in an empty folder, with fd 3 and 4 as the only way to the host.
   * A spawner that takes longer than `mostMs` hangs, and is ended. Rejects with `SpawnFailure`.
   */
  async start(point: StartPoint, launch: Launch, mostMs = START_MS): Promise<PluginChild> {
    const place = await this.introductions();
    if (this.closed) throw new SpawnFailure('closed');
    if (!this.process?.usable) this.process = new SpawnerProcess(this.program(), this.onLost);
    const { command, uid, gid } = launch;
    const order = {
      command,
      args: [...launch.args, point.runner, point.plugin],
      cwd: point.cwd,
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    };
    return this.process.start(place, order, mostMs);
  }

  /** Ends the spawner, and with it what it has started. */
  async close(): Promise<void> {
    this.closed = true;
    await this.process?.close();
    await (await this.place?.catch(() => undefined))?.close();
  }

  private async introductions(): Promise<Introductions> {
    if (this.closed) throw new SpawnFailure('closed');
    const known = this.place;
    const open = await known?.catch(() => undefined);
    if (open?.intact) return open;
    if (this.place === known) {
      this.place = Introductions.open();
      void open?.close();
    }
    return this.place!;
  }
}
