/** One job of a run: checks that the approval still holds, acts on one batch, reads again, and records both at once. */
import { Injectable } from '@nestjs/common';
import { EventStore, type NewEvent } from '#ledger';
import { enqueue, retry, done, type Job, type JobContext, type JobResult } from '#jobs';
import { KeyProvider } from '#platform';
import type { TenantId } from '#kernel';
import { afterReading, counted, isDone, outcomesOf, seenDone, toVerify } from './batch-outcomes.js';
import { bindingOf, targetsOf } from './draft-plan.js';
import { HeldRecords } from '../hold/held-records.js';
import {
  foldPlan,
  planFact,
  planStream,
  summed,
  type CountedOutcome,
  type ItemRun,
  type PlanFacts,
} from './plan-state.js';
import { RetentionBatches } from './retention-batches.js';
import { batchJob, MAX_ATTEMPTS, type BatchPayload } from '../retention-jobs.js';
import { RetentionRules } from '../retention-rules.js';
import { bindingChanges, ruleOf, type PlannedItem } from './retention-plan.js';
import {
  failureOf,
  RetentionSystems,
  type RetentionTarget,
  type TargetOutcome,
  type TargetVerification,
} from '../retention-systems.js';

/** Pseudonym of the worker in the ledger. */
export const RETENTION_ACTOR = 'system:retention';

/** Why a batch does not go on. `again`: perhaps later. */
class Stopped extends Error {
  constructor(
    readonly code: string,
    readonly again: boolean,
  ) {
    super(code);
  }
}

interface Batch {
  tenant: TenantId;
  payload: BatchPayload;
  planned: PlannedItem;
  run: ItemRun;
  /** Claimed before: an earlier attempt may have written, also one that was given back without being counted. */
  repeated: boolean;
  /** The system was told to act, now or perhaps by an earlier attempt. */
  told: boolean;
  context: JobContext;
}

/** What the run's records and its rules are read from. */
@Injectable()
export class RunSources {
  constructor(
    readonly store: EventStore,
    readonly rules: RetentionRules,
    readonly held: HeldRecords,
    readonly batches: RetentionBatches,
    readonly keys: KeyProvider,
  ) {}

  /** The key of a run goes with its last item: nothing that was kept of it can be read any more. */
  async discardEnded(tenant: TenantId, planId: string, runId: string): Promise<void> {
    const state = foldPlan(await this.store.load(tenant, planStream(planId)));
    if (state?.items.every((one) => one.ended !== undefined)) await this.batches.discard(tenant, runId);
  }
}

@Injectable()
export class RunBatch {
  constructor(
    private readonly from: RunSources,
    private readonly systems: RetentionSystems,
  ) {}

  async run(job: Job<BatchPayload>, context: JobContext): Promise<JobResult> {
    const { tenant, payload } = job;
    const state = foldPlan(await this.from.store.load(tenant, planStream(payload.planId)));
    const run = state?.items[payload.item];
    const planned = state?.head.items[payload.item];
    // Done by an earlier attempt whose answer was lost, or ended meanwhile.
    if (!run || !planned || state.runId !== payload.runId || run.ended !== undefined) return done();
    if (payload.batch < run.next) return done();
    const repeated = job.fence > 1;
    const batch: Batch = { tenant, payload, planned, run, repeated, told: repeated, context };
    if (payload.died !== undefined)
      return this.stop({ ...batch, payload: { ...payload, batch: run.next }, told: true }, payload.died);
    try {
      const last = job.attempts >= MAX_ATTEMPTS;
      return payload.batch === run.batches ? await this.verify(batch) : await this.act(batch, last);
    } catch (error) {
      const stopped = stoppedBy(error);
      if (!stopped) throw error;
      if (stopped.again && job.attempts < MAX_ATTEMPTS) return retry(stopped.code);
      return this.stop(batch, stopped.code);
    }
  }

  private async act(batch: Batch, last: boolean): Promise<JobResult> {
    const { tenant, payload, planned, run, context } = batch;
    const refs = await this.from.batches.read(tenant, payload.runId, payload.item, payload.batch);
    if (!refs) throw new Stopped('records-unreadable', false);
    await this.assertApproved(batch);
    const free = await this.notHeld(batch, refs);
    const outcomes = await this.outcomes(batch, free);
    if (!last && [...outcomes.values()].some((one) => one.again)) return retry('records-left');
    const fact = {
      ...{ id: payload.planId, runId: payload.runId, item: payload.item, batch: payload.batch },
      ...{ connectionId: planned.connectionId, dataset: planned.dataset, ruleId: planned.ruleId },
      outcomes: counted(outcomes, refs.length - free.length),
    } satisfies PlanFacts['RetentionBatchDone.v1'];
    const next = { ...payload, batch: Math.min(payload.batch + 1, run.batches) };
    return context.finish({
      actorRef: RETENTION_ACTOR,
      events: [planFact('RetentionBatchDone.v1', fact)],
      rows: enqueue(batchJob(next, planned.connectionId)),
    });
  }

  /** Policy, plugin, table map and schema are those that were approved: anything else asks again (practice, rule 12). */
  private async assertApproved({ tenant, planned }: Batch): Promise<void> {
    const policy = (await this.from.rules.policies(tenant)).find(({ id }) => id === planned.policyId);
    if (!policy) throw new Stopped('policy-gone', false);
    const bound = bindingOf(policy, await this.systems.find(tenant, planned.connectionId));
    if (typeof bound === 'string') throw new Stopped(bound, bound === 'system-silent');
    const [change] = bindingChanges(planned, bound);
    if (change !== undefined) throw new Stopped(change, false);
  }

  /** Holds win over everything, also over what was approved before they were placed. */
  private async notHeld({ tenant, planned }: Batch, refs: readonly string[]): Promise<string[]> {
    const kept = await (await this.from.held.recent(tenant)).in(planned.connectionId, planned.dataset);
    switch (kept.kind) {
      case 'all':
        throw new Stopped('held', false);
      case 'unresolved':
        throw new Stopped(kept.code, kept.again);
      case 'records':
        return refs.filter((ref) => !kept.refs.has(ref));
    }
  }

  private async outcomes(batch: Batch, refs: readonly string[]): Promise<ReturnType<typeof outcomesOf>> {
    const { tenant, planned, context, repeated } = batch;
    const { connectionId, dataset, action } = planned;
    const options = { signal: context.signal };
    const targets = this.targets(batch, refs);
    if (targets.length === 0) return new Map();
    await context.heartbeat();
    batch.told = true;
    const answers: TargetOutcome[] = [];
    for await (const one of this.systems.apply(tenant, connectionId, ruleOf(planned), targets, options))
      answers.push(one);
    const outcomes = outcomesOf(refs, answers, repeated);
    const changed = new Set(toVerify(action, outcomes));
    const readings: TargetVerification[] = [];
    const again = targets.filter((target) => changed.has(target.ref));
    if (again.length > 0)
      for await (const one of this.systems.verify(tenant, connectionId, again, options)) readings.push(one);
    return afterReading(outcomes, readings, dataset);
  }

  /** The same key for every attempt, so that a vendor that knows such keys does nothing twice. */
  private targets({ tenant, payload, planned }: Batch, refs: readonly string[]): RetentionTarget[] {
    const { runId, item, batch } = payload;
    const key = this.from.keys.mac(tenant, 'item', `${runId}/${item}/${batch}`).toString('hex');
    return targetsOf(planned, refs, key);
  }

  /** Ends in the middle of a batch. What it had done when nobody could say so any more is looked at, and said. */
  private async stop(batch: Batch, code: string): Promise<JobResult> {
    const { payload, planned, run } = batch;
    const outcomes = batch.told && payload.batch < run.batches ? await this.unheard(batch).catch(() => []) : [];
    if (outcomes.length === 0) return this.end(batch, code);
    const { connectionId, dataset, ruleId } = planned;
    const at = { id: payload.planId, runId: payload.runId, item: payload.item, batch: payload.batch };
    const seen = planFact('RetentionBatchDone.v1', { ...at, connectionId, dataset, ruleId, outcomes });
    const heard = { ...run, outcomes: summed([...run.outcomes, ...outcomes]) };
    return this.end({ ...batch, run: heard }, code, undefined, [seen]);
  }

  /** Records of the batch that read as done, by a second reading alone. */
  private async unheard(batch: Batch): Promise<CountedOutcome[]> {
    const { tenant, payload, planned, context } = batch;
    const refs = await this.from.batches.read(tenant, payload.runId, payload.item, payload.batch);
    const targets = this.targets(batch, refs ?? []);
    if (targets.length === 0) return [];
    const readings: TargetVerification[] = [];
    const options = { signal: context.signal };
    for await (const one of this.systems.verify(tenant, planned.connectionId, targets, options)) readings.push(one);
    return seenDone(planned, targets, readings);
  }

  /** The last job: what was erased must not be due any more. */
  private async verify(batch: Batch): Promise<JobResult> {
    const { tenant, payload, planned, run, context } = batch;
    const gone = run.outcomes.reduce((sum, one) => sum + (isDone(planned.action, one) ? one.count : 0), 0);
    const left = run.total - gone;
    if (planned.action === 'erase') {
      const own = new Set<string>();
      for (let at = 0; at < run.batches; at++)
        for (const ref of (await this.from.batches.read(tenant, payload.runId, payload.item, at)) ?? []) own.add(ref);
      let still = 0;
      for await (const { ref } of this.systems.scan(tenant, planned.connectionId, ruleOf(planned), {
        signal: context.signal,
      }))
        if (own.has(ref)) still += 1;
      if (still > left) return this.end(batch, 'came-back', still);
    }
    if (left === 0) return this.end(batch, 'verified', 0);
    const held = run.outcomes.some((one) => one.kind === 'held');
    return this.end(batch, held ? 'held' : 'records-left', left);
  }

  /** Ends the item; its records are forgotten here. What was not done stays due and comes with the next plan. */
  private async end(batch: Batch, code: string, left?: number, events: NewEvent[] = []): Promise<JobResult> {
    const { tenant, payload, planned, run, context } = batch;
    const { planId, runId, item } = payload;
    const gone = run.outcomes.reduce((sum, one) => sum + (isDone(planned.action, one) ? one.count : 0), 0);
    const fact = planFact('RetentionItemEnded.v1', { id: planId, runId, item, code, left: left ?? run.total - gone });
    const result = await context.finish({
      actorRef: RETENTION_ACTOR,
      events: [...events, fact],
      rows: [this.from.batches.forget(runId, item)],
    });
    await this.from.discardEnded(tenant, planId, runId);
    return result;
  }
}

/** A call that failed, or a stop of our own; undefined for anything unexpected, which the worker tries again. */
function stoppedBy(error: unknown): Stopped | undefined {
  if (error instanceof Stopped) return error;
  if ((error as { fail?: unknown } | null)?.fail === undefined) return undefined;
  const { code, again } = failureOf(error);
  return new Stopped(code, again);
}
