/** Approves a retention plan by its hash: scanned afresh, its records kept sealed, then durable jobs. */
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { newId, type Clock } from '#kernel';
import { AlreadyDone, EventStore, VersionConflict, type NewEvent } from '#ledger';
import { enqueue } from '#jobs';
import { CLOCK, type Caller } from '#platform';
import { DraftPlan, type PlanDraft } from './draft-plan.js';
import { planFact, planStream, foldPlan, type PlanState } from './plan-state.js';
import { answerOf, planMade, Plans, viewAfter, viewOf, type PlanView } from './plans.js';
import { RetentionBatches } from './retention-batches.js';
import {
  approverRepeated,
  hashDiffers,
  planApproved,
  planChanged,
  planEmpty,
  plannerGone,
  planExpired,
  planUnconfirmed,
} from '../retention.errors.js';
import { batchJob } from '../retention-jobs.js';
import { planChanges } from './retention-plan.js';

export const ApprovePlanBody = z
  .strictObject({ hash: z.string().regex(/^[0-9a-f]{64}$/) })
  .meta({ id: 'ApproveRetentionPlan' });

export class ApprovePlan extends Command<z.infer<typeof PlanView>> {
  constructor(
    readonly by: Caller,
    readonly id: string,
    readonly hash: string,
  ) {
    super();
  }
}

@CommandHandler(ApprovePlan)
export class ApprovePlanHandler implements ICommandHandler<ApprovePlan> {
  constructor(
    private readonly store: EventStore,
    private readonly drafts: DraftPlan,
    private readonly plans: Plans,
    private readonly batches: RetentionBatches,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ by, id, hash }: ApprovePlan): Promise<z.infer<typeof PlanView>> {
    const { humanRef: approver, humanRefs } = this.plans.deciderOf(by, this.clock.now());
    const place = await this.plans.placeOf(by);
    const state = await this.plans.get(by.tenant, id);
    this.assertMayApprove(state, humanRefs, hash);
    if (!(await this.plans.isPlannerHere(by.tenant, state.plannedBy))) throw plannerGone();
    const chosen = [...state.head.items, ...state.head.blocked].map(({ policyId }) => policyId);
    const draft = await this.drafts.draft(by.tenant, chosen, state.head.today);
    await this.assertUnchanged(by, state, draft);
    const runId = newId();
    const kept = await this.batches.keep(by.tenant, runId, draft.refs);
    const items = draft.refs.map((refs, index) => ({ total: refs.length, batches: kept[index] ?? 0 }));
    const approved = planFact('RetentionPlanApproved.v1', { id, hash, approvedBy: approver, runId, items });
    try {
      return await this.append(by, state, approved, { place, runId, items });
    } catch (error) {
      // Another approval was first, so nobody will run what was kept for this one. Any other error may have committed.
      if (error instanceof VersionConflict || error instanceof AlreadyDone)
        await this.batches.discard(by.tenant, runId);
      throw error;
    }
  }

  private assertMayApprove(state: PlanState, approvers: readonly string[], hash: string): void {
    if (state.runId !== undefined) throw planApproved();
    if (approvers.includes(state.plannedBy)) throw approverRepeated();
    if (state.hash !== hash) throw hashDiffers();
    if (this.clock.now().toISOString() > state.expiresAt) throw planExpired();
    if (state.head.items.every((item) => item.count === 0)) throw planEmpty();
  }

  /** 409 with the new plan when the approval would not cover what is there now. */
  private async assertUnchanged(by: Caller, state: PlanState, draft: PlanDraft): Promise<void> {
    const changes = planChanges(state.head, draft.head);
    const silent = draft.head.blocked.filter((one) => one.code === 'system-silent');
    if (changes.some((one) => one.code === 'blocked-new') && silent.length > 0)
      throw planUnconfirmed(silent.map(({ connectionId, code }) => ({ connectionId, code })));
    if (changes.length === 0) return;
    // The first planner stays the planner: who meets a change must not become the one who may not approve it.
    const made = planMade(draft, state.plannedBy, this.clock.now(), state.id);
    await this.store.append({ tenant: by.tenant, actorRef: by.actorRef, events: [made] });
    throw planChanged(changes, viewAfter([made]));
  }

  private async append(
    by: Caller,
    state: PlanState,
    approved: NewEvent,
    { place, runId, items }: { place: Record<string, number>; runId: string; items: readonly { batches: number }[] },
  ): Promise<z.infer<typeof PlanView>> {
    const view = viewOf(foldPlan(await this.store.load(by.tenant, planStream(state.id)), [approved]) ?? state);
    const jobs = items.flatMap((item, index) =>
      item.batches > 0
        ? enqueue(
            batchJob({ planId: state.id, runId, item: index, batch: 0 }, state.head.items[index]?.connectionId ?? ''),
          )
        : [],
    );
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [approved],
      expect: { ...place, [approved.stream]: state.version },
      rows: jobs,
      ...(by.idempotency
        ? { idempotency: by.idempotency, respond: () => ({ status: 200, body: answerOf(view) }) }
        : {}),
    });
    by.idempotency = undefined;
    return view;
  }
}
