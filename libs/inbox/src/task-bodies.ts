/** Bodies and answers of the task routes. */
import { z } from 'zod';
import { TaskOutcome } from './task-outcome.js';
import { MAX_LEASE_S, MAX_PART_BYTES, taskKinds } from './task.js';

/** `wait`: seconds to wait for a task when there is none. */
export const TaskQuery = z.strictObject({
  connectionId: z.uuid(),
  wait: z.coerce.number().int().min(0).max(30).default(0),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

const TaskSummary = z
  .strictObject({
    id: z.uuid(),
    kind: z.enum(taskKinds),
    createdAt: z.iso.datetime(),
    mustFinishBy: z.iso.datetime(),
  })
  .meta({ id: 'TaskSummary' });

/** Tasks that can be claimed now, oldest first. Nothing in it leads to a person. */
export const ConnectionTasks = z
  .strictObject({ items: z.array(TaskSummary), next: z.null() })
  .meta({ id: 'ConnectionTasks' });

const leaseSeconds = z.number().int().min(1).max(MAX_LEASE_S).default(60);
/** Number of the claim: whoever holds a smaller one has lost the task. */
const fence = z.number().int().min(1);

export const ClaimBody = z.strictObject({ leaseSeconds }).meta({ id: 'ClaimTask' });
export const HeartbeatBody = z.strictObject({ fence, leaseSeconds }).meta({ id: 'TaskHeartbeat' });

/** Records that are here already: a cut upload goes on at part `parts`. */
const Received = z.strictObject({ parts: z.number().int(), bytes: z.number().int() }).meta({ id: 'ReceivedRecords' });

/** With the SHA-256 (hex) over the `sha256` of all parts, one after another; null when nothing is here. */
const ReceivedAtClaim = Received.extend({ sha256: z.string().nullable() }).meta({ id: 'ReceivedRecordsAtClaim' });

/** Everything a system needs to do the work; the same body is pushed, signed, to a system with an endpoint. */
export const ClaimedTask = z
  .strictObject({
    id: z.uuid(),
    connectionId: z.uuid(),
    kind: z.enum(taskKinds),
    fence: z.number().int(),
    leaseUntil: z.iso.datetime(),
    /** The same for every attempt at the same effect. */
    idempotencyKey: z.string(),
    mustFinishBy: z.iso.datetime(),
    identifiers: z.array(
      z.strictObject({ type: z.string(), value: z.string(), strength: z.enum(['verified', 'derived', 'claimed']) }),
    ),
    /** `refs` absent: everything of the person. `ruleId`: the rule that keeps the records; hand it back as `retained`. */
    datasets: z.array(
      z.strictObject({
        name: z.string(),
        action: z.enum(['erase', 'anonymise', 'strip', 'detach', 'retain', 'read', 'locate', 'verify', 'obey']),
        refs: z.array(z.string()).optional(),
        ruleId: z.string().optional(),
        fields: z.array(z.string()).optional(),
      }),
    ),
    /** Of an `obey`: how each purpose stands now. It is the whole state: doing it twice or late does no harm. */
    decisions: z.array(z.strictObject({ purpose: z.string(), allowed: z.boolean(), state: z.string() })).optional(),
    /** Rule ids that `retained` may cite. */
    rules: z.array(z.strictObject({ id: z.string() })),
    received: ReceivedAtClaim,
  })
  .meta({ id: 'ClaimedTask' });
export type ClaimedTask = z.infer<typeof ClaimedTask>;

export const HeldTask = z
  .strictObject({ id: z.uuid(), fence: z.number().int(), leaseUntil: z.iso.datetime(), received: Received })
  .meta({ id: 'HeldTask' });

const outcomes = z.array(TaskOutcome).max(1000);
export const OutcomesBody = z.strictObject({ fence, outcomes: outcomes.min(1) }).meta({ id: 'TaskOutcomes' });

/**
 * A part of the records of a `read`: a cut of one text of JSON lines `{dataset, ref, fields}`. Parts are numbered from 0
 * and come in order; `sha256` (hex) is of the part's UTF-8. A part sent twice counts once. `restart` with part 0 drops what
 * an earlier upload left, for whoever would not send the same text; only then may the content be empty.
 */
export const RecordsBody = z
  .strictObject({
    fence,
    part: z.number().int().min(0).max(1_000_000),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    content: z.string().max(MAX_PART_BYTES),
    restart: z.boolean().default(false),
  })
  .refine(({ part, restart }) => part === 0 || !restart, { path: ['restart'], error: 'Only part 0 may restart.' })
  .refine(({ content, restart }) => content !== '' || restart, {
    path: ['content'],
    error: 'Only a part that restarts may be empty.',
  })
  .meta({ id: 'TaskRecords' });
export const RecordsTaken = z.strictObject({ id: z.uuid(), received: Received }).meta({ id: 'TaskRecordsTaken' });

/** `reason` is a code such as `system-in-maintenance`; `retryAfterSeconds`: not offered again before. */
export const ReleaseTaskBody = z
  .strictObject({
    fence,
    reason: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
      .default('released'),
    retryAfterSeconds: z.number().int().min(0).max(86_400).default(0),
  })
  .meta({ id: 'ReleaseTask' });

export const CompleteTaskBody = z.strictObject({ fence, outcomes: outcomes.default([]) }).meta({ id: 'CompleteTask' });

/** `state` is `open` when a retryable failure gave the task back. `missing`: datasets without an outcome yet; none when it is done. */
export const TaskStanding = z
  .strictObject({ id: z.uuid(), state: z.enum(['open', 'claimed', 'done']), missing: z.array(z.string()) })
  .meta({ id: 'TaskStanding' });
export type TaskStanding = z.infer<typeof TaskStanding>;
