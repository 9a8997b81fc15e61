/** What a plugin writes to stdout, stderr and its log: line by line, redacted, and at most 64 KiB a second. */
import type { Readable } from 'node:stream';
import type { Redactor } from './redactor.js';

/** One line a plugin wrote, already redacted. */
export interface PluginLogLine {
  connectionId: string;
  tenant: string;
  plugin: string;
  stream: 'stdout' | 'stderr' | 'log';
  level: 'info' | 'warn';
  text: string;
}

/** Receives the lines. */
export type PluginLog = (line: PluginLogLine) => void;

const BYTES_PER_SECOND = 64 * 1024;
/** Above this much in a second the stream itself is held, so that a flood costs the plugin its time and not the host. */
const FLOOD = 4 * 1024 * 1024;
const LONGEST_LINE = 16 * 1024;

/** Captures the streams of one process. */
export class CapturedLog {
  private second = 0;
  private kept = 0;
  private seen = 0;
  private dropped = 0;

  constructor(
    private readonly about: Pick<PluginLogLine, 'connectionId' | 'tenant' | 'plugin'>,
    private readonly redactor: () => Redactor,
    private readonly sink: PluginLog,
  ) {}

  /** Reads a stream to its end. */
  capture(stream: Readable, name: 'stdout' | 'stderr'): void {
    let rest = '';
    let skipping = false;
    stream.setEncoding('utf8');
    stream.on('error', () => undefined);
    stream.on('data', (text: string) => {
      if (this.flooded(text.length)) hold(stream);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (!skipping) this.line(name, name === 'stderr' ? 'warn' : 'info', line);
        skipping = false;
      }
      if (rest.length <= LONGEST_LINE) return;
      if (!skipping) this.line(name, 'warn', rest, true);
      skipping = true;
      rest = '';
    });
    stream.on('end', () => {
      if (rest !== '' && !skipping) this.line(name, 'info', rest);
    });
  }

  /** One line. `cut`: its end is missing, and with it perhaps half of a secret. */
  line(stream: PluginLogLine['stream'], level: 'info' | 'warn', text: string, cut = false): void {
    if (!this.room(text.length)) return;
    const redactor = this.redactor();
    let clean = redactor.redact(text.slice(0, LONGEST_LINE + redactor.longest));
    if (cut || text.length > LONGEST_LINE) {
      clean = `${clean.slice(0, Math.max(0, Math.min(LONGEST_LINE, clean.length - redactor.longest)))} [cut]`;
    }
    this.sink({ ...this.about, stream, level, text: clean });
  }

  private room(size: number): boolean {
    this.tick();
    if (this.kept + size > BYTES_PER_SECOND) {
      this.dropped++;
      return false;
    }
    this.kept += size;
    return true;
  }

  private flooded(size: number): boolean {
    this.tick();
    this.seen += size;
    return this.seen > FLOOD;
  }

  private tick(): void {
    const second = Math.floor(performance.now() / 1000);
    if (second === this.second) return;
    this.second = second;
    this.kept = 0;
    this.seen = 0;
    if (this.dropped === 0) return;
    const text = `${this.dropped} lines dropped: more than 64 KiB in a second`;
    this.dropped = 0;
    this.sink({ ...this.about, stream: 'log', level: 'warn', text });
  }
}

function hold(stream: Readable): void {
  stream.pause();
  setTimeout(() => stream.resume(), 1000).unref();
}
