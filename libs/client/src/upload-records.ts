/** Hands in records in parts that can be resumed. */
import type { TaskRecord } from './task-types.js';

/** Bytes of UTF-8 in a part, at most; the API takes 512 KiB. */
export const PART_BYTES = 256 * 1024;

/** A part of the text of JSON lines. */
export interface RecordsPart {
  part: number;
  sha256: string;
  content: string;
}

/**
 * Cuts records into parts at line ends; a part exceeds `PART_BYTES` only when one line does. The same records in the same
 * order give the same parts, so that an upload goes on at the part that is missing.
 */
export async function* recordParts(
  records: Iterable<TaskRecord> | AsyncIterable<TaskRecord>,
  from: number,
): AsyncGenerator<RecordsPart> {
  let lines: string[] = [];
  let bytes = 0;
  let part = 0;
  for await (const record of records) {
    const line = `${JSON.stringify(record)}\n`;
    const size = new TextEncoder().encode(line).length;
    if (bytes > 0 && bytes + size > PART_BYTES) {
      if (part >= from) yield await partOf(part, lines);
      part += 1;
      lines = [];
      bytes = 0;
    }
    lines.push(line);
    bytes += size;
  }
  if (bytes > 0 && part >= from) yield await partOf(part, lines);
}

async function partOf(part: number, lines: string[]): Promise<RecordsPart> {
  const content = lines.join('');
  const digest = await globalThis.crypto.subtle.digest('SHA-256', new TextEncoder().encode(content));
  const sha256 = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return { part, sha256, content };
}
