/** Notices that a PostgreSQL is gone, hangs or is out of reach, and that it is back: until then callers are refused at once. */
import { performance } from 'node:perf_hooks';

/** The server does not answer. Nothing was sent, or what was sent has no known outcome and is resolved by its key. */
export class DatabaseUnavailable extends Error {
  override name = 'DatabaseUnavailable';
  /** SQL's connection_failure. */
  readonly code = '08006';
}

/** A connection as the watch sees it. */
export interface Line {
  /** Monotonic milliseconds of the last byte that came, or of the first that went out after a pause. */
  heardAt: number;
  /** Something was sent that is not answered. */
  busy: boolean;
  /** Silence in milliseconds after which it is given up although the server lives. */
  patienceMs: number;
  destroy(reason: Error): void;
}

/** Told when the server is found gone and found again; `afterMs` is how long the state before had lasted. */
export type AvailabilityListener = (state: 'up' | 'down', afterMs: number) => void;

const LOOK_MS = 250;
/** Silence is no proof: a statement may take its time. It is the reason to ask on a connection of its own. */
const SILENCE_MS = 1_500;
/** A server that does not let a new connection in within this time serves nobody. */
const PROBE_MS = 2_500;
const REST_MS = 1_000;

/**
 * Silence on a connection, a wait for one, or a failed connect make it suspect the server; a probe on a fresh connection
 * decides. A frozen server or a cut network sends no error, so clocks on this side are all there is.
 */
export class ServerWatch {
  private readonly lines = new Set<Line>();
  private readonly waiting = new Map<(reason: Error) => void, number>();
  private readonly listeners = new Set<AvailabilityListener>();
  private readonly roomListeners = new Set<() => void>();
  private readonly timer: NodeJS.Timeout;
  private since = performance.now();
  private heardAt = 0;
  private down = false;
  private probing = false;
  private restUntil = 0;
  private closed = false;

  /** `probe` opens a connection of its own, asks something and closes it; it rejects when there was no answer. */
  constructor(private readonly probe: (timeoutMs: number) => Promise<void>) {
    // After a long turn of the event loop timers come before sockets: what was sent to us meanwhile is to be read first.
    this.timer = setInterval(() => setImmediate(() => this.look()), LOOK_MS);
    this.timer.unref();
  }

  get isDown(): boolean {
    return this.down;
  }

  onChange(listener: AvailabilityListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Told whenever the server answers that it has no room (SQLSTATE 53100). */
  onNoRoom(listener: () => void): () => void {
    this.roomListeners.add(listener);
    return () => this.roomListeners.delete(listener);
  }

  noRoom(): void {
    for (const listener of this.roomListeners) listener();
  }

  /** Watches a connection until `forget`. */
  add(line: Line): void {
    this.lines.add(line);
  }

  forget(line: Line): void {
    this.lines.delete(line);
  }

  /** Bytes of the server came on a watched connection. */
  heard(line: Line): void {
    line.heardAt = performance.now();
    this.heardAt = line.heardAt;
  }

  /** What `promise` gives, unless the server is found gone first. What comes later goes to `late`. */
  async orDown<T>(promise: Promise<T>, late: (value: T) => void): Promise<T> {
    let refuse: (reason: Error) => void = () => undefined;
    const gone = new Promise<never>((_resolve, reject) => (refuse = reject));
    this.waiting.set(refuse, performance.now());
    try {
      return await Promise.race([promise, gone]);
    } catch (error) {
      promise.then(late, () => undefined);
      throw error;
    } finally {
      this.waiting.delete(refuse);
    }
  }

  assertUp(): void {
    if (this.down) throw new DatabaseUnavailable('the database does not answer');
  }

  /** Something points to an outage: asks the server itself, unless it answered a moment ago. */
  suspect(): void {
    if (this.closed || this.down || this.probing || performance.now() < this.restUntil) return;
    void this.ask();
  }

  close(): void {
    this.closed = true;
    clearInterval(this.timer);
  }

  private look(): void {
    if (this.closed) return;
    const now = performance.now();
    for (const line of this.lines)
      if (line.busy && now - line.heardAt > line.patienceMs)
        line.destroy(new DatabaseUnavailable('the connection is silent'));
    const silent = [...this.lines].some((line) => line.busy && now - line.heardAt > SILENCE_MS);
    if (silent || [...this.waiting.values()].some((since) => now - since > SILENCE_MS)) this.suspect();
  }

  private async ask(): Promise<void> {
    this.probing = true;
    while (!this.closed) {
      const begun = performance.now();
      const answered = await this.probe(PROBE_MS).then(
        () => true,
        // On a machine that is busy a new connection may take long; whoever answers on an old one is there.
        () => this.heardAt > begun,
      );
      if (this.closed) break;
      this.become(answered ? 'up' : 'down');
      if (answered) break;
      await new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS).unref());
    }
    this.restUntil = performance.now() + REST_MS;
    this.probing = false;
  }

  private become(state: 'up' | 'down'): void {
    const now = performance.now();
    if (state === 'down') this.giveUp(now);
    if (this.down === (state === 'down')) return;
    this.down = state === 'down';
    const afterMs = now - this.since;
    this.since = now;
    for (const listener of this.listeners) listener(state, afterMs);
  }

  /** Idle connections too: they lead nowhere, and the next caller would have to find that out by waiting. */
  private giveUp(now: number): void {
    const reason = new DatabaseUnavailable('the database does not answer');
    for (const line of this.lines) if (!line.busy || now - line.heardAt > SILENCE_MS) line.destroy(reason);
    for (const refuse of this.waiting.keys()) refuse(reason);
  }
}
