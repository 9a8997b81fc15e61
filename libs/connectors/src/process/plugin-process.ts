/** One plugin in one operating-system process for one connection: starts it, speaks with it, and ends it for sure. */
import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { HostFrame, Json, PluginFrame, PluginOp } from '@lethe/plugin-sdk';
import { PROTOCOL } from '@lethe/plugin-sdk';
import { encodeFrames, FrameError, FrameReader } from '@lethe/plugin-sdk/frames';
import { identifiersOf } from './call-identifiers.js';
import { CapturedLog } from './captured-log.js';
import type { Isolation } from './isolation.js';
import { watchMemory } from './memory-watch.js';
import type { CallWire } from './plugin-call.js';
import { CREDIT_WINDOW, PluginCall } from './plugin-call.js';
import type { HostFailureCode } from '../plugin.errors.js';
import { hostFailure, PluginFailure } from '../plugin.errors.js';
import { pluginFrame } from './plugin-frame.js';
import type { ProcessStart } from './process-start.js';
import { spawnPlugin, yieldProcessor } from './process-start.js';
import { Redactor } from './redactor.js';

/** Calls whose identifiers are still taken out of late log lines after their end. */
const REMEMBERED_CALLS = 16;

/** A running plugin. Ends by `stop`, by its own fault, or with the service. */
export class PluginProcess {
  /** Resolves after the end, with the failure unless the end was asked for. */
  readonly ended: Promise<PluginFailure | undefined>;
  readonly isolation: Isolation;
  private readonly name: string;
  private readonly child: ChildProcess;
  private readonly reader = new FrameReader();
  private readonly captured: CapturedLog;
  private readonly calls = new Map<number, PluginCall>();
  private readonly recent: string[][] = [];
  private redactor: Redactor | undefined;
  private nextId = 1;
  private cause: PluginFailure | undefined;
  private stopping = false;
  private over = false;
  private greet: () => void = () => undefined;

  private constructor(private readonly begin: ProcessStart) {
    const { owner, point, launch, log } = begin;
    this.name = `${owner.plugin.id}@${owner.plugin.version}`;
    this.isolation = launch.isolation;
    this.child = spawnPlugin(point, launch);
    yieldProcessor(this.child.pid);
    const about = { connectionId: owner.id, tenant: owner.tenant, plugin: this.name };
    this.captured = new CapturedLog(about, () => this.currentRedactor(), log);
    this.ended = this.listen();
  }

  /** Starts the process and waits for its hello. Rejects with `PluginFailure`. */
  static async start(begin: ProcessStart): Promise<PluginProcess> {
    const started = new PluginProcess(begin);
    const hello = new Promise<void>((resolve) => (started.greet = resolve));
    const timer = setTimeout(() => started.kill('plugin-start-failed'), begin.times.hello);
    const failure = await Promise.race([hello, started.ended]);
    clearTimeout(timer);
    if (started.over || failure) throw started.cause ?? hostFailure('plugin-broken', started.name, started.exitWords());
    started.send({ t: 'open', config: begin.owner.config, secrets: begin.owner.secrets });
    return started;
  }

  /** False once it is stopping, failing or gone: a new call needs a new process. */
  get usable(): boolean {
    return !this.over && !this.stopping && this.cause === undefined;
  }

  get running(): number {
    return this.calls.size;
  }

  /** Process id, for tests and operations. */
  get pid(): number {
    return this.child.pid ?? -1;
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
    if (!this.usable) throw this.cause ?? hostFailure('plugin-exited', this.name);
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
    const [, stdout, stderr, toPlugin, fromPlugin] = this.child.stdio as unknown as [
      null,
      Readable,
      Readable,
      Writable,
      Readable,
    ];
    this.captured.capture(stdout, 'stdout');
    this.captured.capture(stderr, 'stderr');
    // A plugin that is gone is told by its end; a broken pipe on the way says nothing more.
    for (const stream of [toPlugin, fromPlugin]) stream.on('error', () => undefined);
    fromPlugin.on('data', (chunk: Buffer) => this.read(chunk));
    const limit = this.begin.owner.plugin.manifest.limits.memoryMb;
    const unwatch = this.child.pid
      ? watchMemory(this.child.pid, limit, () => this.kill('memory-limit'))
      : () => undefined;
    return new Promise((resolve) => {
      const done = () => {
        if (this.over) return;
        this.over = true;
        unwatch();
        // What the plugin started itself may hold its descriptors; the group has ended with it.
        for (const stream of [stdout, stderr, toPlugin, fromPlugin]) stream.destroy();
        const failure = this.cause ?? (this.stopping && this.calls.size === 0 ? undefined : this.exited());
        for (const call of this.calls.values()) call.end(failure ?? this.exited());
        void this.begin.point.release();
        resolve(failure);
      };
      this.child.on('error', done);
      this.child.on('exit', () => {
        unwatch();
        this.signal();
        setTimeout(done, 500).unref();
      });
      // After the exit the last frames are still in the pipe: outcomes of effects that have happened.
      this.child.on('close', done);
    });
  }

  private exited(): PluginFailure {
    return hostFailure('plugin-exited', this.name, this.exitWords());
  }

  private exitWords(): string {
    const { exitCode, signalCode } = this.child;
    return signalCode ?? `exit code ${exitCode ?? 'none'}`;
  }

  private read(chunk: Buffer): void {
    if (this.cause) return;
    try {
      for (const { message, frames } of this.reader.push(chunk)) this.receive(message, frames);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.kill('protocol-violation', error.code);
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
    if (this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // No such process: it has ended already.
    }
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
    const toPlugin = this.child.stdio[3] as Writable;
    if (toPlugin.destroyed) return;
    for (const frame of frames) toPlugin.write(frame);
  }
}
