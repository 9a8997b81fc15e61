/** A task for a connected system: its states, its facts and its limits. Pure. */
import type { Action } from '#connectors';
import type { SubjectId } from '#kernel';
import { declareEvents, type NewEvent } from '#ledger';

/**
 * What a system is asked to do. `verify` looks again after an `apply` and is claimed as a task of its own; `obey` tells how a
 * person's consents and objections stand.
 */
export const taskKinds = ['locate', 'read', 'apply', 'verify', 'obey'] as const;
export type TaskKind = (typeof taskKinds)[number];

/** `ended`: nobody will work at it any more, `why` says the reason. Only `done` was answered. */
export type TaskState = 'open' | 'claimed' | 'done' | 'ended';

/** Why a task ended without an answer. `task-withdrawn`: a hold came before anybody had begun it. */
export type EndOfTask = 'task-overdue' | 'task-cancelled' | 'task-unreadable' | 'task-withdrawn';

/** What is asked of one dataset. `refs` absent: everything of the person. `ruleId`: what `retained` may cite. */
export type AskedDataset = {
  name: string;
  action: Action | 'read' | 'locate' | 'verify' | 'obey';
  refs?: string[];
  ruleId?: string;
  fields?: string[];
};

/** The sealed part of a task. */
export type Asked = {
  /** `claimed` ones stand in an `obey` only: a withdrawal needs no proof (GDPR 7(3)). */
  identifiers: { type: string; value: string; strength: 'verified' | 'derived' | 'claimed' }[];
  datasets: AskedDataset[];
  /** Whose holds keep what would be changed; absent in tasks of before: the subject's. Never travels. */
  people?: readonly SubjectId[];
  /** An earlier task for the same was taken back after somebody was handed it: what travels has a key of its own. Never travels. */
  anew?: true;
  /** Of an `obey`: how each purpose stands, as the consent check answers it. */
  decisions?: { purpose: string; allowed: boolean; state: string }[];
};

/** A task's row. `asked` is dropped when the task is over; `fence` names one claim. */
export interface TaskRow {
  id: string;
  connection: string;
  kind: TaskKind;
  item_key: string;
  subject: SubjectId;
  request: string | null;
  job: string | null;
  state: TaskState;
  why: EndOfTask | null;
  fence: number;
  lease_until: Date | null;
  must_finish_by: Date;
  asked: string | null;
  outcomes: string | null;
  handle: string | null;
  parts: number;
  bytes: number;
  created_at: Date;
  finished_at: Date | null;
}

/** Longest lease a claim or a heartbeat may ask for, in seconds. */
export const MAX_LEASE_S = 3600;
/** Longest part of records, in bytes of UTF-8: with its escapes it must pass the limit of a body. */
export const MAX_PART_BYTES = 512 * 1024;
/** Most that one task may hand in, in bytes. */
export const MAX_RECORDS_BYTES = 64 * 1024 * 1024;

declareEvents(
  'TaskOpened.v1',
  'TaskClaimed.v1',
  'TaskReported.v1',
  'TaskReleased.v1',
  'TaskCompleted.v1',
  'TaskEnded.v1',
);

/** Facts of tasks: ids, codes, counts and dates; no identifier, no reference to a record. */
export interface TaskEventData {
  'TaskOpened.v1': {
    taskId: string;
    connectionId: string;
    kind: TaskKind;
    requestId: string | null;
    datasets: string[];
    mustFinishBy: string;
  };
  /** `how`: pulled by the system, or pushed to it. `tookOver`: an earlier lease had run out. */
  'TaskClaimed.v1': { taskId: string; fence: number; how: 'pulled' | 'pushed'; tookOver: boolean };
  /** What the system says: a self-report, not an outcome of the request. */
  'TaskReported.v1': { taskId: string; fence: number; reported: { dataset: string; kind: string; count: number }[] };
  'TaskReleased.v1': { taskId: string; fence: number; reason: string };
  /** `missing`: datasets that were asked and not answered. `records`: lines handed in by a `read`. */
  'TaskCompleted.v1': { taskId: string; fence: number; missing: string[]; records: number };
  'TaskEnded.v1': { taskId: string; why: EndOfTask };
}

/** Stream of one task. */
export const taskStream = (id: string): string => `task/${id}`;

/** A fact of a task. */
export function taskFact<Type extends keyof TaskEventData>(type: Type, data: TaskEventData[Type]): NewEvent {
  return { stream: taskStream(data.taskId), type, data };
}

/** Where the sealed parts of a task stand: they open nowhere else. */
export const askedPlace = (id: string): string => `task/${id}/asked`;
export const outcomesPlace = (id: string): string => `task/${id}/outcomes`;
export const handlePlace = (id: string): string => `task/${id}/handle`;
export const partPlace = (id: string, part: number): string => `task/${id}/records/${part}`;

const SOON_MS = 2_000;
const SELDOM_MS = 3_600_000;

/** When to look at a task again: soon while it is young, hourly later, and at once when it is overdue. */
export function lookAgainMs(task: Pick<TaskRow, 'created_at' | 'must_finish_by'>, now: Date): number {
  const age = now.getTime() - task.created_at.getTime();
  const wait = Math.min(Math.max(age / 4, SOON_MS), SELDOM_MS);
  return Math.max(1_000, Math.min(wait, task.must_finish_by.getTime() - now.getTime() + 1_000));
}

/** True when the task should have been finished. */
export function isOverdue(task: Pick<TaskRow, 'must_finish_by'>, now: Date): boolean {
  return task.must_finish_by.getTime() <= now.getTime();
}
