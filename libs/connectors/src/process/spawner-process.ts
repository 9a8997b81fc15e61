/** One process that starts others: what it is told, what it reports, and what is left when it is gone. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { SpawnOrder, SpawnReport } from '@lethe/plugin-sdk/spawner';
import type { Introductions } from './introductions.js';
import { endGroup, SpawnFailure, type PluginChild, type PluginExit } from './plugin-child.js';

/**
 * Standard output, standard error, frames to the plugin, frames from it: the latter two apart, because what a plugin
 * wrote before its end is read also when nothing can be written to it any more.
 */
const DESCRIPTORS = 4;

/** The part of an order that is the caller's. */
export type WhatToStart = Omit<SpawnOrder, 'number' | 'socket' | 'keys'>;

/** An order that is open until its process has ended. */
interface Open {
  pid: number | undefined;
  started(pid: number): void;
  refused(failure: SpawnFailure): void;
  ended(exit: PluginExit): void;
}

/** Lives until `close`, or until somebody ends it; the plugins end with it. */
export class SpawnerProcess {
  private readonly child: ChildProcess;
  private readonly open = new Map<number, Open>();
  private readonly gone: Promise<void>;
  private orders = 0;
  private over = false;
  private closing = false;

  constructor(
    program: string,
    private readonly onLost: (how: string) => void,
  ) {
    this.child = spawn(process.execPath, [program], {
      cwd: '/',
      env: {},
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // Not reached by a Ctrl-C: the service ends its plugins itself.
      detached: true,
    });
    this.gone = this.listen();
    this.child.unref();
    this.child.channel?.unref();
  }

  get usable(): boolean {
    return !this.over;
  }

  /** One that has not begun after `mostMs` is the fault of a spawner that hangs. Rejects with `SpawnFailure`. */
  async start(place: Introductions, what: WhatToStart, mostMs: number): Promise<PluginChild> {
    const expected = place.expect(DESCRIPTORS);
    const order = { ...what, number: ++this.orders, socket: place.path, keys: expected.keys };
    let late: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      late = setTimeout(() => {
        reject(new SpawnFailure('too late'));
        const pid = this.open.get(order.number)?.pid;
        // One that was reported lacks a connection, which is no fault of a spawner that serves others.
        if (pid === undefined) this.child.kill('SIGKILL');
        else endGroup(pid);
      }, mostMs);
    });
    try {
      return await Promise.race([this.begun(order, expected.all), tooLate]);
    } catch (error) {
      expected.drop();
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  async close(): Promise<void> {
    this.closing = true;
    this.child.ref();
    this.child.kill('SIGKILL');
    await this.gone;
  }

  private async begun(order: SpawnOrder, descriptors: Promise<Socket[]>): Promise<PluginChild> {
    let ended: Open['ended'] = () => undefined;
    const end = new Promise<PluginExit>((resolve) => (ended = resolve));
    const pid = await new Promise<number>((started, refused) => {
      this.open.set(order.number, { pid: undefined, started, refused, ended });
      this.child.channel?.ref();
      // What cannot be sent is not: the spawner is ending, and its end is told to every order.
      this.child.send(order, () => undefined);
    });
    // They were there before the process was, and are accepted even when it has ended since.
    const [stdout, stderr, toPlugin, fromPlugin] = (await descriptors) as [Socket, Socket, Socket, Socket];
    const giveUp = (): void => void this.child.kill('SIGKILL');
    return { pid, stdout, stderr, toPlugin, fromPlugin, ended: end, giveUp };
  }

  private listen(): Promise<void> {
    this.child.on('message', (report: SpawnReport) => this.receive(report));
    return new Promise((resolve) => {
      const gone = (how: string): void => {
        if (this.over) return;
        this.over = true;
        for (const one of this.open.values()) lose(one, how);
        this.open.clear();
        if (!this.closing) this.onLost(how);
        resolve();
      };
      this.child.on('error', (error: NodeJS.ErrnoException) => gone(error.code ?? error.name));
      // After the last report.
      this.child.on('close', (code, signal) => gone(signal ?? `exit code ${code}`));
    });
  }

  private receive(report: SpawnReport): void {
    const one = this.open.get(report.number);
    if (!one) return;
    switch (report.t) {
      case 'started':
        one.pid = report.pid;
        return one.started(report.pid);
      case 'refused':
        one.refused(new SpawnFailure(report.why));
        break;
      case 'ended':
        one.ended({ how: report.how, lost: false });
        break;
    }
    this.open.delete(report.number);
    if (this.open.size === 0) this.child.channel?.unref();
  }
}

/** The kernel has ended it already where it could be asked to; it cannot everywhere. */
function lose({ pid, refused, ended }: Open, how: string): void {
  if (pid !== undefined) endGroup(pid);
  refused(new SpawnFailure(how));
  ended({ how, lost: true });
}
