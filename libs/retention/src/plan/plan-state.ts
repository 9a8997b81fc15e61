/** A plan's and its run's state, folded from their facts. Pure. */
import { declareEvents, type NewEvent, type StoredEvent } from '#ledger';
import type { JsonObject } from '#kernel';
import type { PlanHead } from './retention-plan.js';

declareEvents('RetentionPlanMade.v1', 'RetentionPlanApproved.v1', 'RetentionBatchDone.v1', 'RetentionItemEnded.v1');

/** What became of a number of records: the outcome's kind, and why where it did not go. */
export type CountedOutcome = { kind: string; reason: string | null; count: number };

/** Data of the events by type. */
export type PlanFacts = {
  'RetentionPlanMade.v1': {
    id: string;
    hash: string;
    head: PlanHead;
    /** Keyed pseudonym of the human: two credentials of one human are one planner. */
    plannedBy: string;
    expiresAt: string;
    replaces: string | null;
  };
  'RetentionPlanApproved.v1': {
    id: string;
    hash: string;
    approvedBy: string;
    runId: string;
    items: { total: number; batches: number }[];
  };
  'RetentionBatchDone.v1': {
    id: string;
    runId: string;
    item: number;
    batch: number;
    connectionId: string;
    dataset: string;
    ruleId: string;
    outcomes: CountedOutcome[];
  };
  /** `code`: `verified`, or why the item is incomplete. `left`: approved records that are still there. */
  'RetentionItemEnded.v1': { id: string; runId: string; item: number; code: string; left: number };
};

/** One policy's part of a run. */
export interface ItemRun {
  total: number;
  batches: number;
  /** The batch that is done next. */
  next: number;
  outcomes: CountedOutcome[];
  /** Set when it has ended. */
  ended: string | undefined;
  left: number;
}

export interface PlanState {
  id: string;
  hash: string;
  head: PlanHead;
  plannedBy: string;
  expiresAt: string;
  approvedBy: string | undefined;
  runId: string | undefined;
  items: ItemRun[];
  /** Number of its facts. */
  version: number;
}

export type PlanStatus = 'planned' | 'approved' | 'running' | 'done' | 'incomplete';

export const planStream = (id: string): string => `retention-plan/${id}`;

export function planFact<Type extends keyof PlanFacts>(type: Type, data: PlanFacts[Type]): NewEvent {
  return { stream: planStream(data.id), type, data: data as JsonObject };
}

/** The state after these facts, oldest first; undefined when there is no plan. */
export function foldPlan(
  events: readonly Pick<StoredEvent, 'type' | 'data'>[],
  more: readonly Pick<StoredEvent, 'type' | 'data'>[] = [],
): PlanState | undefined {
  return [...events, ...more].reduce<PlanState | undefined>(evolve, undefined);
}

function evolve(state: PlanState | undefined, event: Pick<StoredEvent, 'type' | 'data'>): PlanState | undefined {
  const { type, data } = event as unknown as {
    [Type in keyof PlanFacts]: { type: Type; data: PlanFacts[Type] };
  }[keyof PlanFacts];
  if (type === 'RetentionPlanMade.v1') {
    const { id, hash, head, plannedBy, expiresAt } = data;
    return { id, hash, head, plannedBy, expiresAt, approvedBy: undefined, runId: undefined, items: [], version: 1 };
  }
  if (!state) return undefined;
  const next = { ...state, version: state.version + 1 };
  switch (type) {
    case 'RetentionPlanApproved.v1':
      return { ...next, approvedBy: data.approvedBy, runId: data.runId, items: data.items.map(begun) };
    case 'RetentionBatchDone.v1':
      return withItem(next, data.item, (item) => ({
        ...item,
        next: data.batch + 1,
        outcomes: summed([...item.outcomes, ...data.outcomes]),
      }));
    case 'RetentionItemEnded.v1':
      return withItem(next, data.item, (item) => ({ ...item, ended: data.code, left: data.left }));
  }
}

/** Nothing to do is done. */
function begun({ total, batches }: { total: number; batches: number }): ItemRun {
  return { total, batches, next: 0, outcomes: [], ended: batches === 0 ? 'verified' : undefined, left: 0 };
}

function withItem(state: PlanState, index: number, change: (item: ItemRun) => ItemRun): PlanState {
  return { ...state, items: state.items.map((item, at) => (at === index ? change(item) : item)) };
}

/** One line per kind and reason. */
export function summed(outcomes: readonly CountedOutcome[]): CountedOutcome[] {
  const sums = new Map<string, CountedOutcome>();
  for (const one of outcomes) {
    const key = `${one.kind} ${one.reason ?? ''}`;
    sums.set(key, { ...one, count: one.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, sum]) => sum);
}

export function statusOf(state: PlanState): PlanStatus {
  if (state.runId === undefined) return 'planned';
  if (state.items.every((item) => item.ended !== undefined))
    return state.items.every((item) => item.ended === 'verified') ? 'done' : 'incomplete';
  return state.items.some((item) => item.next > 0 || (item.ended !== undefined && item.batches > 0))
    ? 'running'
    : 'approved';
}
