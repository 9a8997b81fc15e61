/** Work that a system has taken on and not finished: it is asked by the word it gave for it, and only else told to do it again. */
import { canonicalize, type Json, type TenantId } from '#kernel';
import type { NewEvent } from '#ledger';
import type { CaseFile } from '../case-file.js';
import { fact, notePlace } from '../request.js';
import type { RequestState, StepState } from '../request-state.js';
import type { Fail, Outcome } from './connected.js';
import type { CallOptions, SystemCalls } from './connected-systems.js';
import { toTarget, type KeptTarget } from './kept-target.js';
import { targetOutcomes, type TargetOutcome } from './step-outcomes.js';

/** A connector's word for pending work, and the targets (indices of the step's kept list) it stands for. */
export type Pending = { handle: Json; targets: number[] };

type Targets = Map<number, KeptTarget>;

/** One entry per handle: what one job of the vendor does is asked about once. */
export function pendingOf(outcomes: readonly TargetOutcome[]): Pending[] {
  const groups = new Map<string, Pending>();
  for (const { kind, handle, target } of outcomes) {
    if (kind !== 'pending' || handle === undefined || handle === null) continue;
    const key = canonicalize(handle);
    const group = groups.get(key) ?? { handle, targets: [] };
    group.targets.push(target);
    groups.set(key, group);
  }
  return [...groups.values()];
}

const placeOf = (requestId: string, stepId: string, attempt: number): string =>
  notePlace(requestId, `pending/${stepId}/${attempt}`);

/** The fact that keeps the handles, sealed: a plugin's word may hold anything. None when nothing is pending. */
export async function pendingFacts(
  file: CaseFile,
  tenant: TenantId,
  { state, step, generation }: { state: RequestState; step: StepState; generation: number },
  pending: readonly Pending[],
): Promise<NewEvent[]> {
  if (pending.length === 0) return [];
  const { attempts: attempt, stepId } = step;
  const handles = await file.seal(tenant, state, pending, placeOf(state.id, stepId, attempt));
  return [fact('WorkPending.v1', { requestId: state.id, stepId, generation, attempt, handles })];
}

/** What this generation still waits for; a re-drive is another effect and begins anew. */
export async function pendingNow(
  file: CaseFile,
  tenant: TenantId,
  state: RequestState,
  { stepId, pending, settled }: StepState,
  generation: number,
): Promise<Pending[]> {
  if (!pending || pending.generation !== generation) return [];
  const kept = await file.open<Pending[]>(tenant, pending.handles, placeOf(state.id, stepId, pending.attempt));
  return kept
    .map(({ handle, targets }) => ({ handle, targets: targets.filter((one) => settled.get(one) === 'pending') }))
    .filter(({ targets }) => targets.length > 0);
}

/**
 * Asks how pending work stands; returns the targets that must be applied: never begun, or pending in a plugin that cannot
 * be asked, which knows its own work by the same key.
 */
export async function pollPending(
  calls: SystemCalls,
  at: { tenant: TenantId; connectionId: string; itemKey: string; options: CallOptions },
  pending: readonly Pending[],
  open: Targets,
  outcomes: TargetOutcome[],
): Promise<Targets> {
  const rest = new Map(open);
  for (const { handle, targets } of pending) {
    const asked = new Map([...open].filter(([index]) => targets.includes(index)));
    if (asked.size === 0) continue;
    const records = [...asked.values()].map((target) => toTarget(target, at.itemKey));
    const take = (outcome: Outcome): number => outcomes.push(...targetOutcomes(outcome, asked));
    try {
      for await (const outcome of calls.poll(at.tenant, at.connectionId, handle, records, at.options)) take(outcome);
    } catch (error) {
      if (!cannotBeAsked(error)) throw error;
      continue;
    }
    for (const index of asked.keys()) rest.delete(index);
  }
  return rest;
}

function cannotBeAsked(error: unknown): boolean {
  return (error as { fail?: Fail } | null)?.fail?.code === 'operation-unsupported';
}
