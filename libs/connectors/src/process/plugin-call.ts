/** One running call: the answers that have arrived, the credit still out, and how it ended. */
import type { Json } from '@lethe/plugin-sdk';
import type { PluginFailure } from '../plugin.errors.js';

/** Frames a plugin may send ahead of its reader. Above 16, the frames of the largest message. */
export const CREDIT_WINDOW = 64;

/** What a call needs of its process. */
export interface CallWire {
  grant(frames: number): void;
  abort(): void;
}

/** State of one call. Its answers are read once, through `answers()`. */
export class PluginCall {
  /** Resolves when the plugin has ended the call or its process is gone: from then on nothing of it is at work. */
  readonly settled: Promise<void>;
  private settle: () => void = () => undefined;
  private readonly queue: { value: Json; frames: number }[] = [];
  private credit = CREDIT_WINDOW;
  private consumed = 0;
  private ended = false;
  private failure: PluginFailure | undefined;
  private stopping: PluginFailure | undefined;
  private wake: () => void = () => undefined;

  constructor(
    readonly identifiers: string[],
    private readonly wire: CallWire,
  ) {
    this.settled = new Promise((resolve) => (this.settle = resolve));
  }

  /** An answer. False when the plugin had no credit for it. */
  push(value: Json, frames: number): boolean {
    this.credit -= frames;
    if (this.credit < 0 || this.ended) return false;
    this.queue.push({ value, frames });
    this.wake();
    return true;
  }

  /** The call is over. A call that was told to stop fails with the reason, whatever the plugin says. */
  end(failure?: PluginFailure): void {
    if (this.ended) return;
    this.ended = true;
    this.failure = this.stopping ?? failure;
    this.settle();
    this.wake();
  }

  /** Tells the plugin to stop; it may still report what it has done. */
  stop(reason: PluginFailure): void {
    if (this.ended || this.stopping) return;
    this.stopping = reason;
    this.wire.abort();
  }

  /** Answers in the order they came. Throws the failure after the last of them. */
  async *answers(): AsyncGenerator<Json, void, undefined> {
    for (;;) {
      const next = this.queue.shift();
      if (next) {
        this.spent(next.frames);
        yield next.value;
      } else if (this.ended) {
        if (this.failure) throw this.failure;
        return;
      } else {
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
    }
  }

  private spent(frames: number): void {
    this.consumed += frames;
    if (this.consumed < CREDIT_WINDOW / 2 || this.ended) return;
    this.credit += this.consumed;
    this.wire.grant(this.consumed);
    this.consumed = 0;
  }
}
