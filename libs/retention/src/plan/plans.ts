/** Plans and their runs, read from their facts: what a caller sees, and how one is recorded. */
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { newId, notFound, type JsonObject, type TenantId } from '#kernel';
import { EventStore, type NewEvent } from '#ledger';
import { decidingHuman, KeyProvider, vouchedHuman, type Caller } from '#platform';
import { Members } from '#tenancy';
import type { PlanDraft } from './draft-plan.js';
import { foldPlan, planFact, planStream, statusOf, summed, type PlanState } from './plan-state.js';
import { PLAN_TTL_MS } from './retention-plan.js';

const count = z.number().int();
const outcome = z.strictObject({ kind: z.string(), reason: z.string().nullable(), count });
const ItemView = z.strictObject({
  policyId: z.string(),
  connectionId: z.uuid(),
  dataset: z.string(),
  ruleId: z.string(),
  action: z.enum(['erase', 'anonymise', 'strip']),
  before: z.string(),
  count,
  held: count,
  heldBy: z.array(z.string()),
  more: z.boolean(),
  done: count,
  total: count,
  outcomes: z.array(outcome),
  /** `verified`, or why it is incomplete; null while it has not ended. */
  ended: z.string().nullable(),
  /** Approved records that are still there. */
  left: count,
});

export const PlanView = z
  .strictObject({
    id: z.uuid(),
    hash: z.string(),
    status: z.enum(['planned', 'approved', 'running', 'done', 'incomplete']),
    /** The day the dates were computed for, on the controller's wall. */
    today: z.string(),
    expiresAt: z.iso.datetime(),
    counts: z.strictObject({ due: count, held: count }),
    items: z.array(ItemView),
    blocked: z.array(
      z.strictObject({
        policyId: z.string(),
        connectionId: z.string(),
        dataset: z.string(),
        code: z.string(),
        heldBy: z.array(z.string()),
      }),
    ),
    done: count,
    total: count,
    outcomes: z.array(outcome),
  })
  .meta({ id: 'RetentionPlan' });

@Injectable()
export class Plans {
  constructor(
    private readonly store: EventStore,
    private readonly keys: KeyProvider,
    private readonly members: Members,
  ) {}

  /** The plan; 404 when it is not this tenant's. */
  async get(tenant: TenantId, id: string): Promise<PlanState> {
    const state = foldPlan(await this.store.load(tenant, planStream(id)));
    if (!state) throw notFound('retention plan');
    return state;
  }

  /** The human who approves, vouched for and there; and every pseudonym of the same human. */
  deciderOf(by: Caller, now: Date): { humanRef: string; humanRefs: string[] } {
    const { humanId, humanIds } = decidingHuman(by, now);
    return { humanRef: this.refOf(by.tenant, humanId), humanRefs: humanIds.map((one) => this.refOf(by.tenant, one)) };
  }

  /** What the append of an approval expects: who leaves while it is on its way approves nothing. Errors: 403 `forbidden`. */
  placeOf({ tenant, principal }: Caller): Promise<Record<string, number>> {
    return this.members.expecting(tenant, principal.id, 'approve', 'Retention');
  }

  /** Pseudonym of the human who plans, vouched for: two credentials of one human are one person. */
  plannerOf(by: Caller): string {
    return this.refOf(by.tenant, vouchedHuman(by).humanId);
  }

  /** False when the human behind the pseudonym has left, or plans no more: they are no first of two. */
  async isPlannerHere(tenant: TenantId, plannedBy: string): Promise<boolean> {
    const able = await this.members.able(tenant, 'open', 'Retention');
    return able.some((one) => this.refOf(tenant, one) === plannedBy);
  }

  private refOf(tenant: TenantId, humanId: string): string {
    return this.keys.mac(tenant, 'actor', `human:${humanId}`).toString('hex').slice(0, 24);
  }
}

/** The fact of a new plan. `replaces`: the plan that had changed when it was to be approved. */
export function planMade(draft: PlanDraft, plannedBy: string, now: Date, replaces: string | null = null): NewEvent {
  const { head, hash } = draft;
  const expiresAt = new Date(now.getTime() + PLAN_TTL_MS).toISOString();
  return planFact('RetentionPlanMade.v1', { id: newId(), hash, head, plannedBy, expiresAt, replaces });
}

/** The plan as it stands after these new facts. */
export function viewAfter(facts: readonly NewEvent[]): z.infer<typeof PlanView> {
  const state = foldPlan(facts);
  if (!state) throw new Error('a plan begins with the fact that it was made');
  return viewOf(state);
}

export function viewOf(state: PlanState): z.infer<typeof PlanView> {
  const { id, hash, head, expiresAt } = state;
  const items = head.items.map((planned, index) => {
    const run = state.items[index];
    const { policyId, connectionId, dataset, ruleId, action, before, count: due, held, heldBy, more } = planned;
    return {
      ...{ policyId, connectionId, dataset, ruleId, action, before, count: due, held, heldBy, more },
      ...{ done: total(run?.outcomes), total: run?.total ?? due, outcomes: run?.outcomes ?? [] },
      ...{ ended: run?.ended ?? null, left: run?.left ?? 0 },
    };
  });
  const sum = (of: (item: (typeof items)[number]) => number): number => items.reduce((all, item) => all + of(item), 0);
  return {
    ...{ id, hash, status: statusOf(state), today: head.today, expiresAt },
    counts: { due: sum((item) => item.count), held: sum((item) => item.held) },
    items,
    blocked: head.blocked,
    ...{ done: sum((item) => item.done), total: sum((item) => item.total) },
    outcomes: summed(items.flatMap((item) => item.outcomes)),
  };
}

const total = (outcomes: readonly { count: number }[] = []): number =>
  outcomes.reduce((all, one) => all + one.count, 0);

/** A view as the answer that is kept for a repeated call. */
export const answerOf = (view: z.infer<typeof PlanView>): JsonObject => view as unknown as JsonObject;
