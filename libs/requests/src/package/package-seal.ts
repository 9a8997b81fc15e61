/** Files of any size under AES-256-GCM, in chunks that can be neither reordered, dropped, cut off nor moved to another file. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Plain bytes a chunk. */
export const CHUNK_BYTES = 64 * 1024;
const PREFIX_BYTES = 7;
const TAG_BYTES = 16;
const MAGIC = Buffer.from('LPK1');

/** The file was changed, cut off, or belongs elsewhere. */
export class SealBroken extends Error {
  override name = 'SealBroken';
}

/** Nonce of the STREAM construction: a random prefix a file, the chunk's number, and whether it is the last one. */
function nonceOf(prefix: Buffer, index: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  prefix.copy(nonce);
  nonce.writeUInt32BE(index, PREFIX_BYTES);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** Writes one sealed file. `place` is what and where it is; it opens only for the same place. */
export class SealedWriter {
  private waiting: Buffer[] = [];
  private size = 0;
  private index = 0;

  private constructor(
    private readonly file: FileHandle,
    private readonly key: Buffer,
    private readonly place: string,
    private readonly prefix: Buffer,
  ) {}

  /** Creates the file; throws when it is there already. */
  static async create(path: string, key: Buffer, place: string): Promise<SealedWriter> {
    const file = await open(path, 'wx', 0o600);
    const prefix = randomBytes(PREFIX_BYTES);
    await file.writeFile(Buffer.concat([MAGIC, prefix]));
    return new SealedWriter(file, key, place, prefix);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.waiting.push(Buffer.from(bytes));
    this.size += bytes.length;
    if (this.size <= CHUNK_BYTES) return;
    let rest = Buffer.concat(this.waiting);
    // The last chunk is only known at the end, so one is always kept back.
    for (; rest.length > CHUNK_BYTES; rest = rest.subarray(CHUNK_BYTES))
      await this.put(rest.subarray(0, CHUNK_BYTES), false);
    this.waiting = [Buffer.from(rest)];
    this.size = rest.length;
  }

  /** Seals the rest and puts the file on disk. */
  async close(): Promise<void> {
    await this.put(Buffer.concat(this.waiting), true);
    await this.file.sync();
    await this.file.close();
  }

  /** Gives up; the file stays unfinished and cannot be opened. */
  async abandon(): Promise<void> {
    await this.file.close().catch(() => undefined);
  }

  private async put(plain: Buffer, last: boolean): Promise<void> {
    const cipher = createCipheriv('aes-256-gcm', this.key, nonceOf(this.prefix, this.index, last));
    cipher.setAAD(Buffer.from(this.place));
    const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    // The whole of it, or an error: `write` puts down what fits on a full disk, and is content.
    await this.file.writeFile(sealed);
    this.index += 1;
  }
}

/** Where a sealed file is while it is written: a crash leaves it there, and nothing under the file's own name. */
export const draftOf = (path: string): string => `${path}.draft`;

/** Writes a sealed file that has its name only when all of it is on disk: on a full one it never has. */
export async function sealWhole<T>(
  path: string,
  key: Buffer,
  place: string,
  fill: (writer: SealedWriter) => Promise<T>,
): Promise<T> {
  const writer = await SealedWriter.create(draftOf(path), key, place);
  try {
    const filled = await fill(writer);
    await writer.close();
    await rename(draftOf(path), path);
    await syncFolder(dirname(path));
    return filled;
  } catch (error) {
    await writer.abandon();
    await rm(draftOf(path), { force: true });
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The plain bytes of a sealed file, chunk by chunk. Throws `SealBroken`; what came before it was sound. */
export async function* readSealed(path: string, key: Buffer, place: string): AsyncGenerator<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const head = await readExactly(file, 0, MAGIC.length + PREFIX_BYTES);
    if (!head.subarray(0, MAGIC.length).equals(MAGIC)) throw new SealBroken('no sealed file');
    const prefix = head.subarray(MAGIC.length);
    const step = CHUNK_BYTES + TAG_BYTES;
    for (let at = head.length, index = 0, last = false; !last; at += step, index += 1) {
      last = at + step >= size;
      const sealed = await readExactly(file, at, Math.min(step, size - at));
      yield openChunk(sealed, key, nonceOf(prefix, index, last), place);
    }
  } finally {
    await file.close();
  }
}

function openChunk(sealed: Buffer, key: Buffer, nonce: Buffer, place: string): Buffer {
  if (sealed.length < TAG_BYTES) throw new SealBroken('the file is cut off');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(place)).setAuthTag(sealed.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
  } catch {
    throw new SealBroken('the file was changed or belongs elsewhere');
  }
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  if (length < 0) throw new SealBroken('the file is cut off');
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new SealBroken('the file is cut off');
  return buffer;
}
