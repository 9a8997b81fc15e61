/** Length-prefixed JSON: how a message becomes frames of at most 1 MiB, and frames become messages again. */
import { Buffer } from 'node:buffer';

/** Largest payload of one frame, in bytes. A larger length in a header ends the connection before a byte is buffered. */
export const MAX_FRAME = 1024 * 1024;
/** Largest message, in bytes: what one reader will hold for a value that arrives in several frames. */
export const MAX_MESSAGE = 16 * MAX_FRAME;

const HEADER = 4;
/** Top bit of the length: the message goes on in the next frame. */
const MORE = 0x8000_0000;

/** The other side broke the framing; nothing after it can be trusted. */
export class FrameError extends Error {
  constructor(readonly code: 'frame-too-large' | 'message-too-large' | 'not-json') {
    super(`plugin protocol: ${code}`);
    this.name = 'FrameError';
  }
}

/**
 * Bytes of one message: u32 big-endian length, then that many bytes of UTF-8 JSON. A message above 1 MiB is cut into
 * frames whose length carries the top bit, but for the last. Throws `FrameError` above 16 MiB.
 */
export function encodeFrames(message: unknown): Buffer[] {
  const body = Buffer.from(JSON.stringify(message));
  if (body.length > MAX_MESSAGE) throw new FrameError('message-too-large');
  const frames: Buffer[] = [];
  for (let at = 0; at < body.length; at += MAX_FRAME) {
    const part = body.subarray(at, at + MAX_FRAME);
    const frame = Buffer.allocUnsafe(HEADER + part.length);
    const more = at + MAX_FRAME < body.length;
    frame.writeUInt32BE(more ? part.length + MORE : part.length, 0);
    part.copy(frame, HEADER);
    frames.push(frame);
  }
  return frames;
}

/** A message with the number of frames it came in, which is what it costs in credit. */
export interface Framed {
  message: unknown;
  frames: number;
}

/** Turns a byte stream back into messages. Holds at most one message of `maxMessage` bytes. */
export class FrameReader {
  private header = Buffer.alloc(HEADER);
  private headerFill = 0;
  private body: Buffer = Buffer.alloc(0);
  private bodyFill = 0;
  private more = false;
  private parts: Buffer[] = [];
  private partBytes = 0;

  constructor(private readonly maxMessage = MAX_MESSAGE) {}

  /** Messages completed by these bytes. Throws `FrameError`; the reader must not be used after that. */
  push(chunk: Uint8Array): Framed[] {
    const messages: Framed[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.headerFill < HEADER) {
        this.header[this.headerFill++] = chunk[at++]!;
        if (this.headerFill === HEADER) this.begin();
      } else {
        const take = Math.min(this.body.length - this.bodyFill, chunk.length - at);
        this.body.set(chunk.subarray(at, at + take), this.bodyFill);
        this.bodyFill += take;
        at += take;
      }
      if (this.headerFill === HEADER && this.bodyFill === this.body.length) this.finish(messages);
    }
    return messages;
  }

  private begin(): void {
    const word = this.header.readUInt32BE(0);
    this.more = word >= MORE;
    const length = this.more ? word - MORE : word;
    if (length > MAX_FRAME) throw new FrameError('frame-too-large');
    if (this.partBytes + length > this.maxMessage) throw new FrameError('message-too-large');
    // An empty part that promises more would let a peer send headers for ever.
    if (length === 0) throw new FrameError('not-json');
    this.body = Buffer.allocUnsafe(length);
    this.bodyFill = 0;
  }

  private finish(messages: Framed[]): void {
    this.parts.push(this.body);
    this.partBytes += this.body.length;
    this.headerFill = 0;
    this.body = Buffer.alloc(0);
    this.bodyFill = 0;
    if (this.more) return;
    messages.push({ message: parse(Buffer.concat(this.parts)), frames: this.parts.length });
    this.parts = [];
    this.partBytes = 0;
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    // The cause would quote the text, which may hold personal data.
    throw new FrameError('not-json');
  }
}
