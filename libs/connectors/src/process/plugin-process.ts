/** One plugin in one operating-system process for one connection: starts it, speaks with it, and ends it for sure. */
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostFrame, Json, PluginFrame, PluginOp } from '@lethe/plugin-sdk';
import { PROTOCOL } from '@lethe/plugin-sdk';
import { encodeFrames, FrameError, FrameReader } from '@lethe/plugin-sdk/frames';
import { identifiersOf } from './call-identifiers.js';
import { CapturedLog } from './captured-log.js';
import type { Isolation } from './isolation.js';
import { watchMemory } from './memory-watch.js';
import type { CallWire } from './plugin-call.js';
import { CREDIT_WINDOW, PluginCall } from './plugin-call.js';
import { endGroup, SpawnFailure, type PluginChild, type PluginExit } from './plugin-child.js';
import type { HostFailureCode } from '../plugin.errors.js';
import { hostFailure, PluginFailure } from '../plugin.errors.js';
import { pluginFrame } from './plugin-frame.js';
import type { ProcessStart } from './process-start.js';
import { Redactor } from './redactor.js';

/** Calls whose identifiers are still taken out of late log lines after their end. */
const REMEMBERED_CALLS = 16;
/**
 * After the end of a process its last frames are still in the pipe: outcomes of effects that have happened. Whoever else
 * holds its descriptors is not waited for longer.
 */
const LAST_FRAMES_MS = 500;

/** Who was ended is reported at once; a spawner that says nothing for this long hangs, and would hold up all that wait. */
const SILENCE_MS = 5_000;

/** A running plugin. Ends by `stop`, by its own fault, or with the service. */
export class PluginProcess {
  /** Resolves after the end, with the failure unless the end was asked for. */
  readonly ended: Promise<PluginFailure | undefined>;
  readonly isolation: Isolation;
  private readonly name: string;
  private readonly reader = new FrameReader();
  private readonly captured: CapturedLog;
  private readonly calls = new Map<number, PluginCall>();
  private readonly recent: string[][] = [];
  private redactor: Redactor | undefined;
  private nextId = 1;
  private cause: PluginFailure | undefined;
  private stopping = false;
  private exit: PluginExit | undefined;
  private over = false;
  private silence: NodeJS.Timeout | undefined;
  private greet: () => void = () => undefined;

  private constructor(
    private readonly begin: ProcessStart,
    private readonly child: PluginChild,
  ) {
    const { owner, launch, log } = begin;
    this.name = nameOf(begin);
    this.isolation = launch.isolation;
    const about = { connectionId: owner.id, tenant: owner.tenant, plugin: this.name };
    this.captured = new CapturedLog(about, () => this.currentRedactor(), log);
    this.ended = this.listen();
  }

  /** Starts the process and waits for its hello. Rejects with `PluginFailure`. */
  static async start(begin: ProcessStart): Promise<PluginProcess> {
    const started = new PluginProcess(begin, await spawned(begin));
    const hello = new Promise<void>((resolve) => (started.greet = resolve));
    const timer = setTimeout(() => started.kill('plugin-start-failed'), begin.times.hello);
    const failure = await Promise.race([hello, started.ended]);
    clearTimeout(timer);
    if (started.over || failure) throw started.cause ?? started.ending('plugin-broken');
    started.send({ t: 'open', config: begin.owner.config, secrets: begin.owner.secrets });
    return started;
  }

  /** False once it is stopping, failing or gone: a new call needs a new process. */
  get usable(): boolean {
    return !this.exit && !this.stopping && this.cause === undefined;
  }

  get running(): number {
    return this.calls.size;
  }

  /** Process id, for tests and operations. */
  get pid(): number {
    return this.child.pid;
  }

  /** Text without this connection's secrets and the identifiers of its recent calls. */
  redact(text: string): string {
    return this.currentRedactor().redact(text);
  }

  /**
   * Starts a call. At the deadline, or when `signal` aborts, the plugin is told to stop; when it does not obey within
   * the grace the whole process is killed.
   */
  call(op: PluginOp, args: Json, deadline: Date, signal?: AbortSignal): PluginCall {
    if (!this.usable) throw this.cause ?? this.ending();
    const id = this.nextId++;
    const now = this.begin.clock.now();
    const frame = { t: 'call', id, op, deadline: deadline.toISOString(), now: now.toISOString(), args } as const;
    const frames = this.encode({ ...frame, credit: CREDIT_WINDOW });
    const call = new PluginCall(identifiersOf(args), this.wire(id));
    this.calls.set(id, call);
    this.remember(call.identifiers);
    this.write(frames);
    const onAbort = () => call.stop(hostFailure('aborted', this.name));
    const timer = setTimeout(() => call.stop(hostFailure('deadline-exceeded', this.name)), deadline.getTime() - +now);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    void call.settled.then(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      this.calls.delete(id);
      if (this.calls.size === 0) this.begin.onIdle();
    });
    return call;
  }

  /** Lets running calls finish, then ends the process; by force when it does not end within the grace. */
  async stop(): Promise<void> {
    if (!this.stopping && !this.over) {
      this.stopping = true;
      this.send({ t: 'close' });
      await Promise.all([...this.calls.values()].map((call) => call.settled));
      const timer = setTimeout(() => this.signal(), this.begin.times.grace);
      void this.ended.then(() => clearTimeout(timer));
    }
    await this.ended;
  }

  /** Tells every running call to stop. */
  abortCalls(): void {
    for (const call of this.calls.values()) call.stop(hostFailure('host-closed', this.name));
  }

  private wire(id: number): CallWire {
    return {
      grant: (n) => this.send({ t: 'credit', id, n }),
      abort: () => {
        this.send({ t: 'abort', id });
        const timer = setTimeout(() => this.kill('plugin-stuck'), this.begin.times.grace);
        void this.calls.get(id)?.settled.then(() => clearTimeout(timer));
      },
    };
  }

  private listen(): Promise<PluginFailure | undefined> {
    const { pid, stdout, stderr, toPlugin, fromPlugin } = this.child;
    this.captured.capture(stdout, 'stdout');
    this.captured.capture(stderr, 'stderr');
    // A plugin that is gone is told by its end; a broken pipe on the way says nothing more.
    for (const stream of [toPlugin, fromPlugin]) stream.on('error', () => undefined);
    fromPlugin.on('data', (chunk: Buffer) => this.read(chunk));
    const unwatch = watchMemory(pid, this.begin.owner.plugin.manifest.limits.memoryMb, () => this.kill('memory-limit'));
    return this.child.ended.then(async (exit) => {
      this.exit = exit;
      clearTimeout(this.silence);
      unwatch();
      const read = Promise.all([stdout, stderr, fromPlugin].map(closed));
      await Promise.race([read, sleep(LAST_FRAMES_MS, undefined, { ref: false })]);
      this.over = true;
      for (const stream of [stdout, stderr, toPlugin, fromPlugin]) stream.destroy();
      const failure = this.cause ?? (this.stopping && this.calls.size === 0 ? undefined : this.ending());
      for (const call of this.calls.values()) call.end(failure ?? this.ending());
      void this.begin.point.release();
      return failure;
    });
  }

  /** How it ended, when nothing was found fault with before. */
  private ending(code: HostFailureCode = 'plugin-exited'): PluginFailure {
    return hostFailure(this.exit?.lost ? 'spawner-ended' : code, this.name, this.exit?.how);
  }

  private read(chunk: Buffer): void {
    if (this.cause) return;
    try {
      for (const { message, frames } of this.reader.push(chunk)) this.receive(message, frames);
    } catch (error) {
      // Whatever a plugin can write ends the plugin: thrown from here it would end the service.
      this.kill('protocol-violation', error instanceof FrameError ? error.code : 'unreadable frame');
    }
  }

  private receive(message: unknown, frames: number): void {
    const parsed = pluginFrame.safeParse(message);
    if (!parsed.success) return this.kill('protocol-violation', 'unknown frame');
    const frame = parsed.data;
    if (frame.t === 'hello') return this.hello(frame);
    if (frame.t === 'log') return this.log(frame);
    const call = this.calls.get(frame.id);
    if (!call) return this.kill('protocol-violation', 'no such call');
    switch (frame.t) {
      case 'item':
        if (!call.push(frame.value, frames)) this.kill('protocol-violation', 'no credit');
        return;
      case 'end':
        return call.end();
      case 'error':
        return call.end(new PluginFailure(frame.fail, this.redact(frame.message), this.name));
    }
  }

  private hello(frame: PluginFrame & { t: 'hello' }): void {
    const { id, version } = this.begin.owner.plugin;
    if (frame.protocol !== PROTOCOL || frame.id !== id || frame.version !== version) this.kill('plugin-mismatch');
    else this.greet();
  }

  private log(frame: PluginFrame & { t: 'log' }): void {
    const fields = frame.fields ? ` ${JSON.stringify(frame.fields)}` : '';
    this.captured.line('log', frame.level, frame.message + fields);
  }

  private remember(identifiers: string[]): void {
    this.recent.push(identifiers);
    if (this.recent.length > REMEMBERED_CALLS) this.recent.shift();
    this.redactor = undefined;
  }

  /** Built when a line is written, because most calls write none. */
  private currentRedactor(): Redactor {
    this.redactor ??= new Redactor(Object.values(this.begin.owner.secrets), this.recent.flat());
    return this.redactor;
  }

  private kill(code: HostFailureCode, detail?: string): void {
    if (this.over) return;
    this.cause ??= hostFailure(code, this.name, detail);
    this.signal();
  }

  private signal(): void {
    if (this.exit) return;
    endGroup(this.child.pid);
    this.silence ??= setTimeout(() => !this.exit && this.child.giveUp(), SILENCE_MS).unref();
  }

  private send(frame: HostFrame): void {
    this.write(this.encode(frame));
  }

  private encode(frame: HostFrame): Buffer[] {
    try {
      return encodeFrames(frame);
    } catch {
      throw hostFailure('call-too-large', this.name);
    }
  }

  private write(frames: Buffer[]): void {
    const { toPlugin } = this.child;
    if (toPlugin.destroyed) return;
    for (const frame of frames) toPlugin.write(frame);
  }
}

function nameOf({ owner: { plugin } }: ProcessStart): string {
  return `${plugin.id}@${plugin.version}`;
}

async function spawned(begin: ProcessStart): Promise<PluginChild> {
  try {
    return await begin.spawner.start(begin.point, begin.launch);
  } catch (error) {
    void begin.point.release();
    const why = error instanceof SpawnFailure ? error.detail : (error as NodeJS.ErrnoException).code;
    throw hostFailure('spawner-failed', nameOf(begin), why);
  }
}

/** Resolves when everything was read. */
function closed(stream: Readable): Promise<void> {
  return stream.closed ? Promise.resolve() : new Promise((resolve) => stream.once('close', () => resolve()));
}
