/** Framing: every cut of the byte stream gives the same messages, and a hostile header costs nothing. */
import { describe, expect, it } from '@jest/globals';
import { encodeFrames, FrameError, FrameReader, MAX_FRAME, MAX_MESSAGE } from './frames.js';

const read = (bytes: Buffer, step: number) => {
  const reader = new FrameReader();
  const messages: unknown[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    messages.push(...reader.push(bytes.subarray(at, at + step)).map(({ message }) => message));
  }
  return messages;
};
const codeOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return error instanceof FrameError ? error.code : error;
  }
  return 'accepted';
};
const header = (word: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(word);
  return bytes;
};

describe('frames', () => {
  it.each([1, 2, 3, 7, 4096])('give the messages back, cut every %i bytes', (step) => {
    const messages = [{ a: 1 }, 'é'.repeat(100), null, [1, { b: '\ud83d\ude00' }]];
    expect(read(Buffer.concat(messages.flatMap(encodeFrames)), step)).toEqual(messages);
  });

  it('split a large message and tell what it costs', () => {
    const message = 'é'.repeat(MAX_FRAME);
    const frames = encodeFrames(message);
    expect(frames.length).toBe(3);
    expect(frames.every((frame) => frame.length <= MAX_FRAME + 4)).toBe(true);
    expect(new FrameReader().push(Buffer.concat(frames))).toEqual([{ message, frames: 3 }]);
  });

  it('take the largest frame and no larger one', () => {
    const text = (size: number) => Buffer.from(JSON.stringify('x'.repeat(size - 2)));
    expect(codeOf(() => new FrameReader().push(Buffer.concat([header(MAX_FRAME), text(MAX_FRAME)])))).toBe('accepted');
    expect(codeOf(() => new FrameReader().push(header(MAX_FRAME + 1)))).toBe('frame-too-large');
    expect(codeOf(() => new FrameReader().push(header(0x3200_0000)))).toBe('frame-too-large');
    expect(codeOf(() => new FrameReader().push(header(0xffff_ffff)))).toBe('frame-too-large');
    expect(codeOf(() => new FrameReader().push(header(0)))).toBe('not-json');
  });

  it('stop a message that never ends', () => {
    const reader = new FrameReader();
    const part = Buffer.concat([header(0x8000_0000 + MAX_FRAME), Buffer.alloc(MAX_FRAME)]);
    for (let sent = 0; sent < MAX_MESSAGE; sent += MAX_FRAME) expect(codeOf(() => reader.push(part))).toBe('accepted');
    expect(codeOf(() => reader.push(part))).toBe('message-too-large');
    expect(codeOf(() => encodeFrames('x'.repeat(MAX_MESSAGE)))).toBe('message-too-large');
  });

  it('refuse what is no JSON without quoting it', () => {
    const bytes = Buffer.from('ada@example.test');
    expect(() => new FrameReader().push(Buffer.concat([header(bytes.length), bytes]))).toThrow(
      expect.objectContaining({ message: 'plugin protocol: not-json' }),
    );
  });
});
