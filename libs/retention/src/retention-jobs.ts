/** The durable jobs of a retention run: one a batch, and one that verifies at the end. Ids only. */
import { z } from 'zod';
import type { NewJob } from '#jobs';

export const BATCH_QUEUE = 'retention-batch';
/** Starts before the rest of an item is given up; its records stay due and come with the next plan. */
export const MAX_ATTEMPTS = 6;

/** `batch` equal to the number of batches means: all are done, verify; or, with `died`, why the job of one of them died. */
export const batchPayload = z.strictObject({
  planId: z.uuid(),
  runId: z.uuid(),
  item: z.number().int(),
  batch: z.number().int(),
  died: z.string().exactOptional(),
});
export type BatchPayload = z.infer<typeof batchPayload>;

/** Limited together with everything else that calls the connection. */
export function batchJob(payload: BatchPayload, connectionId: string): NewJob {
  const { planId, runId, item, batch } = payload;
  return {
    queue: BATCH_QUEUE,
    key: connectionId,
    payload: { ...payload },
    maxAttempts: MAX_ATTEMPTS + 2,
    dedupeKey: `retention/${planId}/${runId}/${item}/${batch}`,
  };
}

/** The batch a job is about, by its dedupe key; undefined for other domains' jobs. */
export function batchOf(dedupeKey: string | null): BatchPayload | undefined {
  const match = /^retention\/([0-9a-f-]{36})\/([0-9a-f-]{36})\/(\d+)\/(\d+)$/.exec(dedupeKey ?? '');
  return match ? { planId: match[1]!, runId: match[2]!, item: Number(match[3]), batch: Number(match[4]) } : undefined;
}
