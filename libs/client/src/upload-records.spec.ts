/** An upload that was cut goes on when the records are still the same, and begins anew when they are not. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { TaskRecord } from './task-types.js';
import { missingParts, PART_BYTES, type RecordsPart } from './upload-records.js';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
/** Three records a part. */
const filling = 'x'.repeat(PART_BYTES / 3 - 200);
const records = (...refs: number[]): TaskRecord[] =>
  refs.map((ref) => ({ dataset: 'notes', ref: String(1000 + ref), fields: { filling } }));
const nothing = { parts: 0, sha256: null };

async function parts(wanted: TaskRecord[], received: { parts: number; sha256: string | null }): Promise<RecordsPart[]> {
  const all: RecordsPart[] = [];
  for await (const part of missingParts(wanted, received)) all.push(part);
  return all;
}

/** What is in Lethe after so many parts of an upload. */
async function cut(wanted: TaskRecord[], count: number): Promise<{ parts: number; sha256: string }> {
  const sent = (await parts(wanted, nothing)).slice(0, count);
  return { parts: sent.length, sha256: hash(sent.map(({ sha256 }) => sha256).join('')) };
}

const refsOf = (sent: RecordsPart[]): number[] =>
  sent
    .flatMap(({ content }) => content.split('\n').filter(Boolean))
    .map((line) => Number((JSON.parse(line) as TaskRecord).ref) - 1000);

describe('an upload of records', () => {
  const eight = records(1, 2, 3, 4, 5, 6, 7, 8);

  it('goes on behind what an earlier worker has handed in', async () => {
    const sent = await parts(eight, await cut(eight, 2));
    expect([sent.map(({ part }) => part), sent[0]?.restart, refsOf(sent)]).toEqual([[2], undefined, [7, 8]]);
    expect(await parts(eight, await cut(eight, 3))).toEqual([]);
  });

  it('begins anew when a row has gone or come meanwhile: none would be missing and none stand twice', async () => {
    const before = await cut(eight, 2);
    for (const now of [records(2, 3, 4, 5, 6, 7, 8), records(0, 1, 2, 3, 4, 5, 6, 7, 8), records(1, 2, 3)]) {
      const sent = await parts(now, before);
      expect(refsOf(sent)).toEqual(refsOf(await parts(now, nothing)));
      expect(sent.map(({ part, restart = false }) => [part, restart])).toEqual(
        sent.map((_, index) => [index, index === 0]),
      );
    }
  });

  it('drops what is here when nothing is left to hand in', async () => {
    expect(await parts([], await cut(eight, 1))).toEqual([{ part: 0, content: '', sha256: hash(''), restart: true }]);
    expect(await parts([], nothing)).toEqual([]);
  });
});
