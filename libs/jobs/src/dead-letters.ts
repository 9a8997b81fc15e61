/** What an officer can do with a job nobody tries any more: see it, try it again, take it over by hand, or accept it. */
import { notFound, type JsonObject, type TenantId } from '#kernel';
import type { Database, InlineRow, NewEvent } from '#ledger';
import { changeRows } from './change-job.js';
import { jobStream, type JobState } from './job.js';

/** A job that waits for a human: `dead`, or `manual` and not yet finished. */
export interface DeadJob {
  id: string;
  queue: string;
  key: string;
  state: Extract<JobState, 'dead' | 'manual'>;
  payload: JsonObject;
  attempts: number;
  generation: number;
  fence: number;
  dedupeKey: string | null;
  errorCode: string | null;
  errorClass: string | null;
  createdAt: Date;
  diedAt: Date;
}

/** Facts and the change of state that belong into one append; hand them to `appendFenced`. */
export interface JobDecision {
  events: NewEvent[];
  rows: InlineRow[];
}

/** Why a job is accepted undone: a stable code, and the officer's own words only as ciphertext, because free text may hold a person's data. */
export interface AcceptReason {
  code: string;
  sealed?: string;
}

const columns = `id, queue, concurrency_key AS key, state, payload, attempts, generation, fence, dedupe_key AS "dedupeKey",
  last_error_code AS "errorCode", last_error_class AS "errorClass", created_at AS "createdAt", finished_at AS "diedAt"`;

type DeadRow = Omit<DeadJob, 'payload'> & { payload: string };

/** Dead and manual jobs of a tenant, or of one queue, by id (so by age), at most `limit`, after the id `after`. */
export async function listDeadJobs(
  database: Database,
  tenant: TenantId,
  { queue, limit = 100, after }: { queue?: string; limit?: number; after?: string } = {},
): Promise<DeadJob[]> {
  const { rows } = await database.fetch<DeadRow>(tenant, {
    name: 'job-dead-list',
    text: `SELECT ${columns} FROM job WHERE tenant = $1 AND state IN ('dead', 'manual') AND id > $2
           AND ($4::text IS NULL OR queue = $4) ORDER BY id LIMIT $3`,
    values: [tenant, after ?? '00000000-0000-0000-0000-000000000000', limit, queue ?? null],
  });
  return rows.map(read);
}

/** One of them. Throws 404 `not-found` when it does not exist, is another tenant's, or needs no human. */
export async function readDeadJob(database: Database, tenant: TenantId, id: string): Promise<DeadJob> {
  const { rows } = await database.fetch<DeadRow>(tenant, {
    name: 'job-dead-read',
    text: `SELECT ${columns} FROM job WHERE tenant = $1 AND state IN ('dead', 'manual') AND id = $2`,
    values: [tenant, id],
  });
  if (!rows[0]) throw notFound('dead job');
  return read(rows[0]);
}

/** Why the last attempt of a job that is still tried failed. */
export interface JobTroubled {
  id: string;
  code: string;
  class: string;
}

/** Of these jobs, those whose last attempt failed and that wait for the next one or run it now. */
export async function readTroubledJobs(
  database: Database,
  tenant: TenantId,
  ids: readonly string[],
): Promise<JobTroubled[]> {
  if (ids.length === 0) return [];
  const { rows } = await database.fetch<JobTroubled>(tenant, {
    name: 'job-troubled',
    text: `SELECT id, last_error_code AS code, COALESCE(last_error_class, 'transient') AS class FROM job
           WHERE tenant = $1 AND id = ANY($2::uuid[]) AND state IN ('ready', 'running') AND last_error_code IS NOT NULL`,
    values: [tenant, ids],
  });
  return rows;
}

function read(row: DeadRow): DeadJob {
  return { ...row, payload: JSON.parse(row.payload) as JsonObject };
}

/** Runs it again, from the first attempt, as a new generation: outside effects get new keys. */
export function retryDeadJob(job: DeadJob, now: Date): JobDecision {
  const generation = job.generation + 1;
  return {
    events: [fact(job, 'JobRetried.v1', { generation })],
    rows: changeRows({
      id: job.id,
      fence: job.fence,
      from: job.state,
      to: 'ready',
      runAt: now,
      attempts: 0,
      generation,
    }),
  };
}

/** A human does it instead; the task is made by whoever follows the fact. */
export function turnJobManual(job: DeadJob, now: Date): JobDecision {
  return {
    events: [fact(job, 'JobTurnedManual.v1', {})],
    rows: changeRows({ id: job.id, fence: job.fence, from: 'dead', to: 'manual', finishedAt: now }),
  };
}

/** It stays undone, and somebody answers for that. Whether a second human must agree is decided by who calls. */
export function acceptDeadJob(job: DeadJob, reason: AcceptReason, now: Date): JobDecision {
  const sealed = reason.sealed === undefined ? {} : { reasonSealed: reason.sealed };
  return {
    events: [fact(job, 'JobAccepted.v1', { reasonCode: reason.code, ...sealed })],
    rows: changeRows({ id: job.id, fence: job.fence, from: job.state, to: 'cancelled', finishedAt: now }),
  };
}

function fact(job: DeadJob, type: string, data: JsonObject): NewEvent {
  const { id, queue, key, dedupeKey } = job;
  return { stream: jobStream(id), type, data: { jobId: id, queue, key, dedupeKey, ...data } };
}
