/** Hands in records in parts that can be resumed. */
import type { TaskRecord } from './task-types.js';

/** Bytes of UTF-8 in a part, at most; the API takes 512 KiB. */
export const PART_BYTES = 256 * 1024;

/** A part of the text of JSON lines. */
export interface RecordsPart {
  part: number;
  sha256: string;
  content: string;
  /** Drops what an earlier upload left; with part 0. */
  restart?: boolean;
}

/** What is here of an earlier upload. `sha256` covers the hashes of its parts, one after another. */
export interface ReceivedRecords {
  parts: number;
  sha256: string | null;
}

/**
 * The parts that are still to be sent. What an earlier upload left is gone on from when these records begin with the same
 * text; else everything is sent anew, since a row that was added or removed meanwhile would stand twice or be missing.
 */
export async function* missingParts(
  records: Iterable<TaskRecord> | AsyncIterable<TaskRecord>,
  received: ReceivedRecords,
): AsyncGenerator<RecordsPart> {
  const known: RecordsPart[] = [];
  let toCompare = received.parts;
  for await (const part of recordParts(records)) {
    if (toCompare === 0) {
      yield part;
      continue;
    }
    known.push(part);
    toCompare -= 1;
    if (toCompare === 0 && (await hexOf(known.map(({ sha256 }) => sha256).join(''))) !== received.sha256)
      yield* anew(known);
  }
  // Fewer parts than are here: they are others.
  if (toCompare > 0) yield* anew(known.length > 0 ? known : [await partOf(0, [])]);
}

function* anew([first, ...others]: RecordsPart[]): Generator<RecordsPart> {
  if (first) yield { ...first, restart: true };
  yield* others;
}

/**
 * Cuts records into parts at line ends; a part exceeds `PART_BYTES` only when one line does. The same records in the same
 * order give the same parts.
 */
async function* recordParts(records: Iterable<TaskRecord> | AsyncIterable<TaskRecord>): AsyncGenerator<RecordsPart> {
  let lines: string[] = [];
  let bytes = 0;
  let part = 0;
  for await (const record of records) {
    const line = `${JSON.stringify(record)}\n`;
    const size = new TextEncoder().encode(line).length;
    if (bytes > 0 && bytes + size > PART_BYTES) {
      yield await partOf(part, lines);
      part += 1;
      lines = [];
      bytes = 0;
    }
    lines.push(line);
    bytes += size;
  }
  if (bytes > 0) yield await partOf(part, lines);
}

async function partOf(part: number, lines: string[]): Promise<RecordsPart> {
  const content = lines.join('');
  return { part, sha256: await hexOf(content), content };
}

async function hexOf(text: string): Promise<string> {
  const digest = await globalThis.crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
