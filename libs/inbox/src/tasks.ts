/** The table of tasks: reads, and the statements that change a task inside the append of its fact. */
import { Injectable } from '@nestjs/common';
import type { Json, TenantId } from '#kernel';
import { Database, EventStore, type Query } from '#ledger';
import { Sealer, type Sealed } from '#subjects';
import { leaseLost } from './task.errors.js';
import { askedPlace, outcomesPlace, type Asked, type EndOfTask, type TaskKind, type TaskRow } from './task.js';
import type { TaskOutcome } from './task-outcome.js';

const COLUMNS = `id, connection, kind, item_key, subject, request, job, state, why, fence, lease_until, must_finish_by,
  asked, outcomes, handle, parts, bytes, created_at, finished_at`;

/** A person's later decision is told after the earlier one: two workers must not turn them round. */
const IN_ORDER = `AND (kind <> 'obey' OR NOT EXISTS (
  SELECT 1 FROM inbox_task AS earlier WHERE earlier.tenant = inbox_task.tenant AND earlier.connection = inbox_task.connection
    AND earlier.subject = inbox_task.subject AND earlier.kind = 'obey' AND earlier.state IN ('open', 'claimed')
    AND (earlier.turn, earlier.id) < (inbox_task.turn, inbox_task.id)))`;

/** One more than that of every decision not told yet; the append around the insert holds the tenant's log, so nobody else counts. */
const NEXT_TURN = `(SELECT COALESCE(max(known.turn), 0) + 1 FROM inbox_task AS known WHERE known.tenant = $1
  AND known.connection = $3 AND known.subject = $6 AND known.kind = 'obey' AND known.state IN ('open', 'claimed'))`;

@Injectable()
export class Tasks {
  constructor(
    readonly store: EventStore,
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  async find(tenant: TenantId, id: string): Promise<TaskRow | undefined> {
    const { rows } = await this.database.fetch<TaskRow>(tenant, {
      name: 'inbox-task',
      text: `SELECT ${COLUMNS} FROM inbox_task WHERE tenant = $1 AND id = $2`,
      values: [tenant, id],
    });
    return rows[0];
  }

  async ofItem(tenant: TenantId, connection: string, kind: TaskKind, itemKey: string): Promise<TaskRow | undefined> {
    const { rows } = await this.database.fetch<TaskRow>(tenant, {
      name: 'inbox-task-of-item',
      text: `SELECT ${COLUMNS} FROM inbox_task WHERE tenant = $1 AND connection = $2 AND kind = $3 AND item_key = $4`,
      values: [tenant, connection, kind, itemKey],
    });
    return rows[0];
  }

  /** Each `apply` of this item that was taken back after somebody was handed it, the latest first. */
  async takenBack(tenant: TenantId, connection: string, itemKey: string): Promise<TaskRow[]> {
    const { rows } = await this.database.fetch<TaskRow>(tenant, {
      name: 'inbox-taken-back',
      // What follows is the id of the task: the range lets the index find it.
      text: `SELECT ${COLUMNS} FROM inbox_task WHERE tenant = $1 AND connection = $2 AND kind = 'apply' AND fence > 0
               AND item_key > $3 || '/' AND item_key < $3 || '/g' AND starts_with(item_key, $3 || '/')
             ORDER BY created_at DESC, id DESC`,
      values: [tenant, connection, itemKey],
    });
    return rows;
  }

  /** Tasks that can be claimed: open ones, and claimed ones whose lease has run out. `now` is the product's time. */
  async claimable(tenant: TenantId, connection: string, now: Date, limit: number): Promise<TaskRow[]> {
    const { rows } = await this.database.fetch<TaskRow>(tenant, {
      name: 'inbox-claimable',
      text: `SELECT ${COLUMNS} FROM inbox_task
             WHERE tenant = $1 AND connection = $2 AND must_finish_by > $3 AND state IN ('open', 'claimed')
               AND (state = 'open' AND (not_before IS NULL OR not_before <= clock_timestamp())
                    OR state = 'claimed' AND lease_until < clock_timestamp())
               ${IN_ORDER}
             ORDER BY created_at, id LIMIT $4`,
      values: [tenant, connection, now, limit],
    });
    return rows;
  }

  /** Open tasks by which a job has told a system how a person decides. */
  async tellingOf(tenant: TenantId, connection: string, subject: string, job: string): Promise<TaskRow[]> {
    const { rows } = await this.database.fetch<TaskRow>(tenant, {
      name: 'inbox-telling-of-job',
      text: `SELECT ${COLUMNS} FROM inbox_task
             WHERE tenant = $1 AND connection = $2 AND subject = $3 AND kind = 'obey' AND state IN ('open', 'claimed') AND job = $4`,
      values: [tenant, connection, subject, job],
    });
    return rows;
  }

  /** Tasks of a request that were open at `before`: what must not be done any more when it ends. */
  async openOf(tenant: TenantId, request: string, before: Date): Promise<TaskRow[]> {
    const { rows } = await this.database.fetch<TaskRow>(tenant, {
      name: 'inbox-open-of-request',
      text: `SELECT ${COLUMNS} FROM inbox_task WHERE tenant = $1 AND request = $2 AND state IN ('open', 'claimed') AND created_at <= $3`,
      values: [tenant, request, before],
    });
    return rows;
  }

  /** Jobs that wait for an `apply`, of one connection or all. */
  async waitingFor(tenant: TenantId, connection: string | null): Promise<string[]> {
    const { rows } = await this.database.fetch<{ job: string }>(tenant, {
      name: 'inbox-jobs-waiting',
      text: `SELECT job FROM inbox_task WHERE tenant = $1 AND state IN ('open', 'claimed') AND kind = 'apply'
               AND job IS NOT NULL AND ($2::uuid IS NULL OR connection = $2)`,
      values: [tenant, connection],
    });
    return rows.map(({ job }) => job);
  }

  /** Tasks that should have been finished before `now`. */
  async overdue(tenant: TenantId, now: Date): Promise<TaskRow[]> {
    const { rows } = await this.database.fetch<TaskRow>(tenant, {
      name: 'inbox-overdue',
      text: `SELECT ${COLUMNS} FROM inbox_task
             WHERE tenant = $1 AND state IN ('open', 'claimed') AND must_finish_by <= $2 LIMIT 500`,
      values: [tenant, now],
    });
    return rows;
  }

  /** Undefined when its key is gone, or when the task is over. */
  async asked(tenant: TenantId, { id, asked }: TaskRow): Promise<Asked | undefined> {
    return asked === null ? undefined : this.open<Asked>(tenant, asked, askedPlace(id));
  }

  async outcomes(tenant: TenantId, { id, outcomes }: TaskRow): Promise<TaskOutcome[]> {
    return (outcomes === null ? undefined : await this.open<TaskOutcome[]>(tenant, outcomes, outcomesPlace(id))) ?? [];
  }

  transaction<T>(tenant: TenantId, work: (query: Query) => Promise<T>): Promise<T> {
    return this.database.transaction(tenant, work);
  }

  /** Seals a value of a task under the case key of whom it is about. */
  async seal(tenant: TenantId, { subject }: Pick<TaskRow, 'subject'>, value: unknown, place: string): Promise<string> {
    return JSON.stringify(await this.sealer.seal(tenant, subject, 'case', value as Json, place));
  }

  async open<T>(tenant: TenantId, sealed: string, place: string): Promise<T | undefined> {
    const opened = await this.sealer.open(tenant, JSON.parse(sealed) as Sealed, place);
    return opened.readable ? (opened.value as T) : undefined;
  }
}

/** A row to be inserted; `asked` is sealed. */
export type NewTask = Pick<
  TaskRow,
  'id' | 'connection' | 'kind' | 'item_key' | 'subject' | 'request' | 'job' | 'must_finish_by' | 'created_at'
> & { asked: string };

export async function insertTask(query: Query, tenant: TenantId, task: NewTask): Promise<void> {
  await query({
    name: 'inbox-insert',
    text: `INSERT INTO inbox_task (tenant, id, connection, kind, item_key, subject, request, job, state, must_finish_by, asked, created_at, turn)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9, $10, $11, ${NEXT_TURN})`,
    values: [
      ...[tenant, task.id, task.connection, task.kind, task.item_key, task.subject, task.request, task.job],
      ...[task.must_finish_by, task.asked, task.created_at],
    ],
  });
}

/** Takes the task; undefined when somebody holds it or it is over. Leases are kept in the database's time. */
export async function takeTask(
  query: Query,
  tenant: TenantId,
  id: string,
  leaseSeconds: number,
): Promise<Pick<TaskRow, 'fence' | 'lease_until'> | undefined> {
  const { rows } = await query<Pick<TaskRow, 'fence' | 'lease_until'>>({
    name: 'inbox-take',
    text: `UPDATE inbox_task SET state = 'claimed', fence = fence + 1, not_before = NULL, handle = NULL,
             lease_until = clock_timestamp() + $3 * interval '1 second'
           WHERE tenant = $1 AND id = $2 AND (state = 'open' AND (not_before IS NULL OR not_before <= clock_timestamp())
             OR state = 'claimed' AND lease_until < clock_timestamp()) ${IN_ORDER}
           RETURNING fence, lease_until`,
    values: [tenant, id, leaseSeconds],
  });
  return rows[0];
}

/** What a holder may change. An expired lease that nobody took over is still the holder's. */
export interface HeldChange {
  state?: 'open' | 'done';
  leaseSeconds?: number;
  outcomes?: string;
  notBeforeSeconds?: number;
  finishedAt?: Date;
  handle?: string | null;
  /** What the new outcomes were made from. */
  from?: Pick<TaskRow, 'outcomes' | 'parts'>;
}

/** Two calls of one holder met: what was to be written is made anew from what stands now. */
export class TaskMoved extends Error {
  override name = 'TaskMoved';
}

/**
 * Changes a claimed task under its fence. Errors: 409 `lease-lost`, which undoes the append around it; `TaskMoved` when the
 * fence is right and the task no longer what the change was made `from`.
 */
export async function changeHeld(
  query: Query,
  tenant: TenantId,
  { id, fence }: Pick<TaskRow, 'id' | 'fence'>,
  change: HeldChange,
): Promise<Date | null> {
  const { rows } = await query<{ lease_until: Date | null }>({
    name: 'inbox-change',
    text: `UPDATE inbox_task SET state = COALESCE($4, state), outcomes = COALESCE($5, outcomes),
             lease_until = CASE WHEN $4::text IS NOT NULL THEN NULL WHEN $6::int IS NULL THEN lease_until
                           ELSE clock_timestamp() + $6 * interval '1 second' END,
             not_before = CASE WHEN $4 = 'open' THEN clock_timestamp() + $7 * interval '1 second' ELSE not_before END,
             finished_at = COALESCE($8, finished_at), handle = COALESCE($9, handle),
             asked = CASE WHEN $4 = 'done' THEN NULL ELSE asked END
           WHERE tenant = $1 AND id = $2 AND fence = $3 AND state = 'claimed'
             AND ($10::int IS NULL OR parts = $10 AND outcomes IS NOT DISTINCT FROM $11) RETURNING lease_until`,
    values: [
      ...[tenant, id, fence, change.state ?? null, change.outcomes ?? null, change.leaseSeconds ?? null],
      ...[change.notBeforeSeconds ?? 0, change.finishedAt ?? null, change.handle ?? null],
      ...[change.from?.parts ?? null, change.from?.outcomes ?? null],
    ],
  });
  const [row] = rows;
  if (row) return row.lease_until;
  if (change.from && (await isHeld(query, tenant, id, fence))) throw new TaskMoved();
  throw leaseLost();
}

async function isHeld(query: Query, tenant: TenantId, id: string, fence: number): Promise<boolean> {
  const { rowCount } = await query({
    name: 'inbox-held',
    text: `SELECT FROM inbox_task WHERE tenant = $1 AND id = $2 AND fence = $3 AND state = 'claimed'`,
    values: [tenant, id, fence],
  });
  return (rowCount ?? 0) > 0;
}

/**
 * How a task ends. `unlessBegun`: not while somebody holds it, or when its system has given a word for work it took on.
 * `unhanded`: its last claim was handed to nobody, and does not count.
 */
export interface TaskEnd {
  why: EndOfTask;
  unlessBegun?: boolean;
  unhanded?: boolean;
}

/**
 * Ends a task that nobody may work at any more; false when it was over already, or has begun. One that was taken back frees
 * its key: what is still wanted of it is asked by another task.
 */
export async function endTask(
  query: Query,
  tenant: TenantId,
  id: string,
  { why, unlessBegun = false, unhanded = false }: TaskEnd,
  now: Date,
): Promise<boolean> {
  const { rowCount } = await query({
    name: 'inbox-end',
    text: `UPDATE inbox_task SET state = 'ended', why = $3, asked = NULL, lease_until = NULL, finished_at = $4, fence = fence - $6::int,
             item_key = CASE WHEN $3 = 'task-withdrawn' THEN item_key || '/' || id ELSE item_key END
           WHERE tenant = $1 AND id = $2 AND (state = 'open' OR state = 'claimed'
             AND NOT ($5 AND (lease_until >= clock_timestamp() OR handle IS NOT NULL)))`,
    values: [tenant, id, why, now, unlessBegun, unhanded ? 1 : 0],
  });
  return (rowCount ?? 0) > 0;
}
