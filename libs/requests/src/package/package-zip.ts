/** Writes a zip as a stream and keeps the SHA-256 of every file in it. */
import { createHash } from 'node:crypto';
import { Zip, ZipDeflate } from 'fflate';

/** A file as the manifest lists it. */
export interface ZippedFile {
  path: string;
  /** SHA-256, hex. */
  sha256: string;
  bytes: number;
}

/** Where the zip's bytes go. */
export interface ZipSink {
  write(bytes: Uint8Array): Promise<void>;
}

const PIECE = 64 * 1024;

/** One file after another; `finish` writes the directory of the zip. */
export class ZipWriter {
  readonly files: ZippedFile[] = [];
  private readonly zip: Zip;
  private ready: Uint8Array[] = [];
  private failure: Error | undefined;

  constructor(
    private readonly sink: ZipSink,
    private readonly at: Date,
  ) {
    this.zip = new Zip((error, bytes) => {
      if (error) this.failure = error;
      else this.ready.push(bytes);
    });
  }

  /** Adds a file; a path that is taken already is refused, since a reader would show only one of the two. */
  async add(path: string, text: AsyncIterable<string> | Iterable<string>): Promise<ZippedFile> {
    if (this.files.some((file) => file.path === path)) throw new Error('two files of a package have the same name');
    const entry = new ZipDeflate(path, { level: 6 });
    entry.mtime = this.at;
    this.zip.add(entry);
    const hash = createHash('sha256');
    let bytes = 0;
    let waiting = '';
    const push = async (last: boolean): Promise<void> => {
      const piece = Buffer.from(waiting, 'utf8');
      waiting = '';
      hash.update(piece);
      bytes += piece.length;
      entry.push(new Uint8Array(piece), last);
      await this.drain();
    };
    for await (const part of text) {
      waiting += part;
      if (waiting.length >= PIECE) await push(false);
    }
    await push(true);
    const file = { path, sha256: hash.digest('hex'), bytes };
    this.files.push(file);
    return file;
  }

  async finish(): Promise<void> {
    this.zip.end();
    await this.drain();
  }

  private async drain(): Promise<void> {
    if (this.failure) throw this.failure;
    const ready = this.ready;
    this.ready = [];
    for (const bytes of ready) await this.sink.write(bytes);
  }
}
