/** What an officer reads of a plan. Identifiers are masked: enough to recognise, too little to use. Pure. */
import { z } from 'zod';
import type { JsonObject } from '#kernel';
import type { PlanDetails } from './plan.js';
import type { ReadPlan } from './plan-record.js';

const DecisionView = z
  .strictObject({
    action: z.string(),
    kind: z.enum(['ground-met', 'not-met', 'exception']),
    ruleId: z.string(),
    citation: z.string().nullable(),
    untilFrom: z.iso.date().nullable(),
    untilTo: z.iso.date().nullable(),
    reviewOn: z.iso.date().nullable(),
    fields: z.array(z.string()),
    count: z.number().int(),
    band: z.strictObject({ from: z.number().int(), to: z.number().int() }),
  })
  .meta({ id: 'PlannedDecision' });

const EdgeView = z.strictObject({ connectionId: z.string(), dataset: z.string(), depth: z.number().int() });

export const PlanView = z
  .strictObject({
    id: z.uuid(),
    hash: z.string(),
    expiresAt: z.iso.datetime(),
    type: z.string(),
    ground: z.string(),
    identifiers: z.array(
      z.strictObject({
        type: z.string(),
        masked: z.string(),
        strength: z.enum(['verified', 'derived']),
        from: EdgeView.nullable(),
      }),
    ),
    candidates: z.array(
      z.strictObject({ type: z.string(), masked: z.string(), connectionId: z.string(), dataset: z.string() }),
    ),
    systems: z.array(
      z.strictObject({
        connectionId: z.string(),
        name: z.string(),
        pluginId: z.string(),
        pluginVersion: z.string(),
        contentHash: z.string(),
        configVersion: z.number().int(),
        role: z.string(),
        legalEntity: z.string(),
        country: z.string(),
        isolation: z.string(),
        datasets: z.array(
          z.strictObject({
            name: z.string(),
            title: z.string(),
            categories: z.array(z.string()),
            schemaHash: z.string(),
            decisions: z.array(DecisionView),
            leftAlone: z.number().int(),
            /** False: the system cannot be searched; what it declared is planned, and the count is not known. */
            searched: z.boolean().optional(),
          }),
        ),
      }),
    ),
    blockers: z.array(
      z.strictObject({
        code: z.string(),
        connectionId: z.string(),
        dataset: z.string().nullable(),
        count: z.number().int(),
        records: z.array(z.string()),
      }),
    ),
    doubts: z.array(
      z.strictObject({ connectionId: z.string(), dataset: z.string(), ref: z.string(), reason: z.string() }),
    ),
    unsearched: z.array(z.strictObject({ id: z.string(), name: z.string(), owner: z.string(), why: z.string() })),
    exclusions: z.array(z.string()),
  })
  .meta({ id: 'RequestPlan' });

export type PlanView = z.infer<typeof PlanView>;

/** A blocker names at most this many records; `count` says how many there are. */
const NAMED = 50;

export function planView({ planId, hash, expiresAt, head, details }: ReadPlan): PlanView {
  const { type, ground, systems, unsearched, exclusions } = head;
  return {
    ...{ id: planId, hash, expiresAt, type, ground },
    identifiers: details.identifiers.map(({ type: kind, value, strength, edge }) => ({
      ...{ type: kind, masked: masked(value), strength },
      from: edge ? { connectionId: edge.connectionId, dataset: edge.dataset, depth: edge.depth } : null,
    })),
    // What leads to the person already is no candidate.
    candidates: details.candidates
      .filter((one) => !details.identifiers.some((known) => known.type === one.type && known.value === one.value))
      .map(({ value, ...one }) => ({ ...one, masked: masked(value) })),
    systems: systems.map((system) => ({ ...system })),
    blockers: head.blockers.map((blocker) => ({ ...blocker, records: recordsOf(details, blocker).slice(0, NAMED) })),
    doubts: details.doubts,
    ...{ unsearched, exclusions },
  };
}

function recordsOf(
  details: PlanDetails,
  { code, connectionId, dataset }: { code: string; connectionId: string; dataset: string | null },
): string[] {
  return details.doubts
    .filter((one) => one.reason === code && one.connectionId === connectionId && one.dataset === dataset)
    .map((one) => one.ref);
}

/** First character and, for a mailbox, its domain: the officer knows the person already. */
export function masked(value: string): string {
  const at = value.lastIndexOf('@');
  if (at > 0) return `${value.slice(0, 1)}***${value.slice(at)}`;
  return value.length <= 3 ? '***' : `${value.slice(0, 1)}***${value.slice(-2)}`;
}

/** The new plan beside what changed, for 409 `plan-changed`: hash and counts only, since a refusal may be kept. */
export function changedPlan(plan: ReadPlan): JsonObject {
  const { id, hash, expiresAt, systems, blockers } = planView(plan);
  return {
    id,
    hash,
    expiresAt,
    systems,
    blockers: blockers.map(({ records: _, ...one }) => one),
  } as unknown as JsonObject;
}
