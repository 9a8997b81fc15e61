/** The child side of the protocol: serves a connector on fd 3 (from the host) and fd 4 (to the host). */
import { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Connector, Ctx } from './connector.js';
import { encodeFrames, FrameReader } from './frames.js';
import type { CallFrame, HostFrame, PluginFrame } from './protocol.js';
import { PROTOCOL } from './protocol.js';
import { answers } from './runtime-answers.js';
import { failOf } from './runtime-errors.js';
import type { Json } from './records.js';

interface RunningCall {
  abort: AbortController;
  credit: number;
  /** Wakes the call when credit arrives or it is aborted. */
  wake: () => void;
}

/** Where frames come from and go to; the runner passes fd 3 and 4, a test may pass anything with the same shape. */
export interface Wire {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  /** Ends the process. */
  exit(code: number): void;
}

/**
 * Serves `connector` until the host goes away. Ends the process as soon as the host's descriptor ends, so that a host
 * that was killed leaves no orphan. `who` is said in the `hello` and must match what the host installed.
 */
export function serve<C, D extends string>(
  connector: Connector<C, D>,
  who: { id: string; version: string },
  wire: Wire = descriptors(),
): void {
  new Service(connector as Connector<unknown>, wire).start(who);
}

function descriptors(): Wire {
  const input = new Socket({ fd: 3, readable: true, writable: false });
  const output = new Socket({ fd: 4, readable: false, writable: true });
  return { input, output, exit: (code) => process.exit(code) };
}

class Service {
  private readonly calls = new Map<number, RunningCall>();
  private readonly reader = new FrameReader();
  private opened: { config: Json; secrets: Record<string, string> } | undefined;
  private closing = false;
  private drained: Promise<void> | undefined;

  constructor(
    private readonly connector: Connector<unknown>,
    private readonly wire: Wire,
  ) {}

  start(who: { id: string; version: string }): void {
    const { input, output, exit } = this.wire;
    input.on('data', (chunk: Buffer) => {
      for (const { message } of this.reader.push(chunk)) this.receive(message as HostFrame);
    });
    for (const end of ['end', 'close', 'error']) input.on(end, () => exit(0));
    output.on('error', () => exit(0));
    void this.send({ t: 'hello', protocol: PROTOCOL, ...who });
  }

  private receive(frame: HostFrame): void {
    switch (frame.t) {
      case 'open':
        this.opened = { config: frame.config, secrets: frame.secrets };
        return;
      case 'call':
        void this.run(frame);
        return;
      case 'credit': {
        const call = this.calls.get(frame.id);
        if (call) {
          call.credit += frame.n;
          call.wake();
        }
        return;
      }
      case 'abort': {
        const call = this.calls.get(frame.id);
        call?.abort.abort();
        call?.wake();
        return;
      }
      case 'close':
        this.closing = true;
        this.endWhenIdle();
    }
  }

  private async run(frame: CallFrame): Promise<void> {
    const call: RunningCall = { abort: new AbortController(), credit: frame.credit, wake: () => undefined };
    this.calls.set(frame.id, call);
    try {
      for await (const value of answers(this.connector, frame, this.context(frame, call.abort.signal))) {
        await this.item(frame.id, call, value as Json);
      }
      await this.send({ t: 'end', id: frame.id });
    } catch (error) {
      await this.send({ t: 'error', id: frame.id, ...failOf(error, call.abort.signal.aborted) });
    } finally {
      this.calls.delete(frame.id);
      this.endWhenIdle();
    }
  }

  private context(frame: CallFrame, signal: AbortSignal): Ctx<unknown> {
    const { config, secrets } = this.opened ?? { config: null, secrets: {} };
    const hostNow = Date.parse(frame.now);
    const started = performance.now();
    const log = (level: 'info' | 'warn') => (message: string, fields?: Record<string, Json>) => {
      void this.send({ t: 'log', id: frame.id, level, message, ...(fields ? { fields } : {}) });
    };
    return {
      config,
      secrets,
      signal,
      deadline: new Date(frame.deadline),
      // The host's clock as it was at the call, moved on by this process's own monotonic time.
      now: () => new Date(hostNow + (performance.now() - started)),
      log: { info: log('info'), warn: log('warn') },
    };
  }

  /** Waits for credit. An aborted call sends what it has already done as far as its credit goes, then stops. */
  private async item(id: number, call: RunningCall, value: Json): Promise<void> {
    const frames = encodeFrames({ t: 'item', id, value } satisfies PluginFrame);
    while (call.credit < frames.length) {
      call.abort.signal.throwIfAborted();
      await new Promise<void>((resolve) => (call.wake = resolve));
    }
    call.credit -= frames.length;
    await this.write(frames);
  }

  private send(frame: PluginFrame): Promise<void> {
    return this.write(encodeFrames(frame));
  }

  private async write(frames: Uint8Array[]): Promise<void> {
    // All frames of a message are written in one go, so that messages never interleave.
    let room = true;
    for (const frame of frames) room = this.wire.output.write(frame);
    if (room) return;
    this.drained ??= new Promise((resolve) =>
      this.wire.output.once('drain', () => {
        this.drained = undefined;
        resolve();
      }),
    );
    await this.drained;
  }

  private endWhenIdle(): void {
    if (this.closing && this.calls.size === 0) this.wire.output.end(() => this.wire.exit(0));
  }
}
