/** The words of tasks, as a connected system reads and writes them. */
import type { components } from './schema.js';

/** Everything needed to do one task: whom it is about, which datasets, until when. Source: `ClaimedTask` of the API. */
export type ClaimedTask = components['schemas']['ClaimedTask'];

/** One dataset's (or record's) outcome. Source: `TaskOutcome` of the API. */
export type TaskOutcome = components['schemas']['TaskOutcome'];

/** What a system says of a dataset; `count` is 0 when absent. */
export type ReportedOutcome = TaskOutcome extends infer One
  ? One extends { count: number }
    ? Omit<One, 'count'> & { count?: number }
    : One
  : never;

/** One record of the person, for an access request. */
export interface TaskRecord {
  dataset: string;
  /** The system's own reference, e.g. a primary key. */
  ref: string;
  fields: Record<string, unknown>;
}

/** What a handler answers: outcomes for every dataset that was asked, and for a `read` the records themselves. */
export interface TaskAnswer {
  outcomes: ReportedOutcome[];
  /** Produced in the same order every time: a cut upload goes on behind what has arrived. */
  records?: Iterable<TaskRecord> | AsyncIterable<TaskRecord>;
}
