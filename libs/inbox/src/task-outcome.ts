/** What a system may say of a task: the one closed outcome type, and which of its words fit which task. Pure. */
import { z } from 'zod';
import { unprocessable, type FieldError } from '#kernel';
import type { Asked, AskedDataset, TaskKind } from './task.js';

const at = {
  dataset: z.string().min(1).max(100),
  /** One record of the dataset, when the task named its records; otherwise the outcome is the whole dataset's. */
  ref: z.string().min(1).max(500).optional(),
  count: z.number().int().min(0).max(1_000_000_000).default(0),
};
const code = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);

/**
 * One dataset's (or record's) outcome. There is no "success": a `retained` cites a rule id of the task and nothing else;
 * `clean` and `residue` answer a `verify`, `provided` a `read`, `obeyed` an `obey`; `failed` with `retryable` gives the task back.
 */
export const TaskOutcome = z
  .discriminatedUnion('kind', [
    z.strictObject({
      ...at,
      kind: z.enum([
        ...(['erased', 'anonymised', 'masked', 'detached', 'rectified', 'restricted', 'soft-deleted'] as const),
        ...(['not-found', 'unsupported', 'provided', 'clean', 'residue', 'obeyed'] as const),
      ]),
    }),
    z.strictObject({ ...at, kind: z.literal('retained'), ruleId: z.string().min(1).max(100) }),
    z.strictObject({ ...at, kind: z.literal('refused-by-system'), until: z.iso.date().optional() }),
    z.strictObject({ ...at, kind: z.literal('failed'), retryable: z.boolean(), code }),
  ])
  .meta({ id: 'TaskOutcome' });
export type TaskOutcome = z.infer<typeof TaskOutcome>;

const DONE = ['erased', 'anonymised', 'masked', 'detached', 'rectified', 'restricted', 'soft-deleted', 'not-found'];
const ALWAYS = ['failed', 'unsupported'];

/** Words that fit each kind of task. */
const WORDS: Record<TaskKind, readonly string[]> = {
  locate: ALWAYS,
  read: ['provided', 'not-found', ...ALWAYS],
  apply: [...DONE, 'retained', 'refused-by-system', ...ALWAYS],
  verify: ['clean', 'residue', 'failed'],
  obey: ['obeyed', 'not-found', ...ALWAYS],
};

/** Refuses what was not asked. Errors: 422 `outcome-invalid`, naming each place and never a value. */
export function assertOutcomes(kind: TaskKind, asked: Asked, outcomes: readonly TaskOutcome[]): void {
  const errors = outcomes.flatMap((outcome, index): FieldError[] => {
    const problem = problemOf(kind, asked.datasets, outcome);
    return problem ? [{ pointer: `/outcomes/${index}/${problem.field}`, code: problem.code }] : [];
  });
  if (errors.length === 0) return;
  throw unprocessable('outcome-invalid', {
    detail: 'An outcome speaks of something that the task did not ask. See errors.',
    errors: errors.slice(0, 20),
  });
}

function problemOf(
  kind: TaskKind,
  datasets: readonly AskedDataset[],
  outcome: TaskOutcome,
): { field: string; code: string } | undefined {
  const own = datasets.filter((one) => one.name === outcome.dataset);
  if (own.length === 0) return { field: 'dataset', code: 'dataset-not-asked' };
  if (!WORDS[kind].includes(outcome.kind)) return { field: 'kind', code: 'kind-not-of-task' };
  const meant = outcome.ref === undefined ? own : own.filter((one) => one.refs?.includes(outcome.ref ?? ''));
  if (meant.length === 0) return { field: 'ref', code: 'record-not-asked' };
  // A system never cites law: the rule must be the one that the approved plan handed out, of every record that is meant.
  if (outcome.kind === 'retained' && !meant.every((one) => one.ruleId === outcome.ruleId))
    return { field: 'ruleId', code: 'rule-not-given' };
  return undefined;
}

/** Later words replace earlier ones about the same dataset and record. */
export function mergeOutcomes(before: readonly TaskOutcome[], added: readonly TaskOutcome[]): TaskOutcome[] {
  const byPlace = new Map<string, TaskOutcome>();
  for (const one of [...before, ...added]) byPlace.set(JSON.stringify([one.dataset, one.ref ?? null]), one);
  return [...byPlace.values()];
}

/** What was said of a record: of itself first, else of its whole dataset. */
export function outcomeFor(
  outcomes: readonly TaskOutcome[],
  target: { dataset: string; ref?: string },
): TaskOutcome | undefined {
  const own = outcomes.filter((one) => one.dataset === target.dataset);
  return own.find((one) => one.ref === target.ref) ?? own.find((one) => one.ref === undefined);
}

/** Datasets that were asked, or have a record that was, and were not answered. */
export function missingDatasets(asked: Asked, outcomes: readonly TaskOutcome[]): string[] {
  const missing = asked.datasets.filter(({ name, refs }) =>
    refs ? refs.some((ref) => !outcomeFor(outcomes, { dataset: name, ref })) : !outcomeFor(outcomes, { dataset: name }),
  );
  return [...new Set(missing.map((one) => one.name))];
}
