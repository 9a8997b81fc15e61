/** One connection's erasure: apply what was kept, read again, and say of every dataset what became of it. */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '#kernel';
import { dead, later, type enqueue, type JobContext, type JobResult } from '#jobs';
import type { NewEvent } from '#ledger';
import { CLOCK } from '#platform';
import { CaseFile } from '../case-file.js';
import type { Outcome, Verification } from './connected.js';
import { SystemCalls, type CallOptions } from './connected-systems.js';
import { toTarget, type KeptTarget } from './kept-target.js';
import { asSeen } from './look-at-held.js';
import { erasureOf, leftAlone } from './left-alone.js';
import { careForKept } from './kept-care.js';
import { FINALITY, type DatasetOutcome } from './outcome.js';
import type { RequestState } from '../request-state.js';
import { withEvents } from '../course/next-move.js';
import { fact, type HorizonFact } from '../request.js';
import { Requests } from '../requests.js';
import { pendingFacts, pendingNow, pendingOf, pollPending } from './pending-work.js';
import { keptByHold, PrepareErasure, type Work } from './prepare-erasure.js';
import { grouped, openTargets, othersNow, targetOutcomes, withMissing, type TargetOutcome } from './step-outcomes.js';
import {
  aboutOf,
  beginAttempt,
  failureResult,
  finishAttempt,
  record,
  revisionOf,
  resultOfFail,
  stepOf,
  type StepJob,
} from './step-run.js';
import { stepProblems } from '../course/verdict.js';

const CALL_MS = 10 * 60_000;

@Injectable()
export class EraseStep {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    private readonly calls: SystemCalls,
    private readonly prepare: PrepareErasure,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async run(job: StepJob, context: JobContext): Promise<JobResult> {
    const attempt = await beginAttempt(this.requests, job, context);
    if (!attempt) return { kind: 'done' };
    try {
      return await this.act(await this.prepare.work(attempt));
    } catch (error) {
      return failureResult(error);
    }
  }

  private async act(begun: Work): Promise<JobResult> {
    const open = openTargets(begun.kept, begun.step.settled);
    const { held, earlier } = await this.prepare.held(begun, open);
    const work = { ...begun, earlier };
    for (const { target } of held) open.delete(target);
    const left = leftAlone(open);
    for (const { target } of left) open.delete(target);
    const stays = await asSeen(this.calls, this.file, work, [...held, ...left], this.options(work));
    const { outcomes, failure } = await this.apply(work, open, keptByHold(work.step, stays));
    // A record that is gone on a later attempt may be our own doing: the second read decides, so it is not recorded yet.
    const unsure = outcomes.filter((one) => work.earlier > 0 && one.kind === 'not-found' && one.note === undefined);
    await this.note(work, [...stays, ...outcomes.filter((one) => !unsure.includes(one))]);
    if (failure) return failure;
    const stopped = stopOf(outcomes, this.clock.now());
    if (stopped) return stopped;
    const others = othersNow(work.step, outcomes);
    const verified = await this.verify(work, others, keptByHold(work.step, stays));
    const confirmed = unsure.map((one) => confirmedOnRetry(one, work.kept, verified));
    const horizons = await this.horizon(work);
    return this.finish(work, confirmed, verified, horizons);
  }

  private options(work: Work): CallOptions {
    const deadline = new Date(this.clock.now().getTime() + CALL_MS);
    const about = { ...aboutOf(work), people: work.subjects };
    return { signal: work.context.signal, deadline, about, ...revisionOf(work) };
  }

  private async apply(
    work: Work,
    open: Map<number, KeptTarget>,
    held: ReadonlySet<number>,
  ): Promise<{ outcomes: TargetOutcome[]; failure?: JobResult }> {
    if (open.size === 0) return { outcomes: [] };
    const { tenant, connectionId, items, itemKey } = work;
    const outcomes: TargetOutcome[] = [];
    await work.context.heartbeat();
    try {
      const options = this.options(work);
      const pending = await pendingNow(this.file, tenant, work.state, work.step, work.job.generation);
      const rest = await pollPending(this.calls, { tenant, connectionId, itemKey, options }, pending, open, outcomes);
      if (rest.size === 0) return { outcomes };
      const at = [...rest.values()].map((target) => toTarget(target, itemKey));
      const take = (outcome: Outcome): number => outcomes.push(...targetOutcomes(outcome, rest));
      const erasure = erasureOf(work.kept, held, itemKey);
      for await (const outcome of this.calls.apply(tenant, connectionId, erasure, items, at, options)) take(outcome);
      return { outcomes: withMissing(outcomes, open) };
    } catch (error) {
      // What it reported before it failed has happened.
      return { outcomes, failure: failureResult(error) };
    }
  }

  private async note(work: Work, outcomes: TargetOutcome[]): Promise<void> {
    if (outcomes.length === 0) return;
    const { state, step, job } = work;
    const at = { state, step, generation: job.generation };
    const pending = await pendingFacts(this.file, work.tenant, at, pendingOf(outcomes));
    await record(this.requests, work, () => [...outcomeFacts(work, grouped(outcomes)), ...pending]);
  }

  /** By reference and by identifier. A record that is somebody else's by now stays; only identifiers could still lead to it. */
  private async verify(work: Work, others: ReadonlySet<number>, held: ReadonlySet<number>): Promise<Verification[]> {
    const { tenant, connectionId, items, itemKey } = work;
    const asked = (target: KeptTarget, index: number): KeptTarget =>
      held.has(index) ? { ...target, action: 'retain' } : target;
    const kept = work.kept.map(asked).filter((_, index) => !others.has(index));
    const at = kept.map((target) => toTarget(target, itemKey));
    const verified: Verification[] = [];
    for await (const one of this.calls.verify(tenant, connectionId, items, at, this.options(work))) verified.push(one);
    return verified;
  }

  private async horizon(work: Work): Promise<HorizonFact[]> {
    const { tenant, connectionId } = work;
    const horizons: HorizonFact[] = [];
    const options = { signal: work.context.signal, ...revisionOf(work) };
    for await (const { dataset, layer, until, note } of this.calls.horizon(tenant, connectionId, options))
      horizons.push({ dataset, layer, until, ...(note === undefined ? {} : { note }) });
    return horizons;
  }

  private async finish(
    work: Work,
    confirmed: TargetOutcome[],
    verified: Verification[],
    horizons: HorizonFact[],
  ): Promise<JobResult> {
    const { step, connectionId } = work;
    const datasets = step.datasets.map((dataset) => verificationOf(dataset, verified));
    const nothing = datasets
      .filter(({ dataset, result }) => result === 'clean' && !work.kept.some((target) => target.dataset === dataset))
      .map(({ dataset }): DatasetOutcome => ({ dataset, kind: 'not-found', count: 0, targets: [] }));
    const at = { requestId: work.state.id, stepId: step.stepId, connectionId };
    const events = [
      ...outcomeFacts(work, [...grouped(confirmed), ...nothing]),
      fact('StepVerified.v1', { ...at, datasets }),
      fact('HorizonRecorded.v1', { ...at, horizons }),
    ];
    const residue = datasets.some(({ result }) => result === 'residue');
    const problems = await this.problems(work, events);
    if (problems.length > 0) {
      await record(this.requests, work, () => events);
      return dead(residue ? 'residue' : (problems[0] ?? 'unsettled'));
    }
    return finishAttempt(this.requests, work, (state) => this.finished(work, state, events));
  }

  /** What would speak against done with these facts on top. */
  private async problems({ tenant, state, step }: Work, events: NewEvent[]): Promise<string[]> {
    const probe = await this.requests.load(tenant, state.id);
    withEvents(probe, events);
    const known = stepOf(probe, step.stepId);
    return known ? stepProblems(known, false) : ['unsettled'];
  }

  /** Aftercare for what stays, and the step's end; only if nothing speaks against calling it done. */
  private finished(
    work: Work,
    state: RequestState,
    events: NewEvent[],
  ): { events: NewEvent[]; rows: ReturnType<typeof enqueue> } {
    const { step, connectionId } = work;
    const known = stepOf(state, step.stepId);
    const more = events
      .filter((one) => one.type === 'TargetOutcomeRecorded.v1')
      .map((one) => one.data as unknown as DatasetOutcome);
    const care = careForKept(state, known ?? step, this.clock.now(), more);
    const isolation = systemIsolation(state, connectionId);
    return {
      events: [
        ...events,
        ...care.events,
        fact('StepFinished.v1', { requestId: state.id, stepId: step.stepId, connectionId, isolation }),
      ],
      rows: care.rows,
    };
  }
}

/** The level the plugin really ran at stands on every outcome. */
function systemIsolation(state: RequestState, connectionId: string): string | null {
  const systems = (state.plan?.head as { systems?: { connectionId: string; isolation: string }[] } | undefined)
    ?.systems;
  return systems?.find((one) => one.connectionId === connectionId)?.isolation ?? null;
}

function outcomeFacts({ job, step, connectionId }: Work, outcomes: DatasetOutcome[]): NewEvent[] {
  const at = { requestId: job.payload.requestId, stepId: step.stepId, connectionId, generation: job.generation };
  return outcomes.map((outcome) => fact('TargetOutcomeRecorded.v1', { ...at, ...outcome }));
}

/** Why an attempt ends without a second read: something failed for good, failed for now, or is still under way. */
function stopOf(outcomes: readonly TargetOutcome[], now: Date): JobResult | undefined {
  const failed = outcomes.find((one) => FINALITY[one.kind] === 'failed');
  if (failed)
    return resultOfFail({ class: failed.transient ? 'transient' : 'permanent', code: failed.reason ?? failed.kind });
  const pending = outcomes.find((one) => one.kind === 'pending');
  if (!pending) return undefined;
  if (typeof pending.until === 'string' && now.toISOString().slice(0, 10) > pending.until)
    return dead('pending-overdue');
  return later(new Date(now.getTime() + (pending.pollAfterMs ?? 60_000)));
}

/** Nothing there at the second attempt and nothing left by its reference: the first one did it before it could say so. */
function confirmedOnRetry(
  outcome: TargetOutcome,
  kept: readonly KeptTarget[],
  verified: readonly Verification[],
): TargetOutcome {
  const target = kept[outcome.target];
  const left = verified.some(
    (one) => one.kind === 'residue' && one.dataset === outcome.dataset && one.ref === target?.ref,
  );
  if (left || !target) return { ...outcome, kind: 'failed', reason: 'residue' };
  const done = (
    { erase: 'erased', anonymise: 'anonymised', detach: 'detached', strip: 'not-found', retain: 'not-found' } as const
  )[target.action];
  return { ...outcome, kind: done, count: target.count, note: 'confirmed-on-retry' };
}

function verificationOf(
  dataset: string,
  verified: readonly Verification[],
): { dataset: string; result: 'clean' | 'residue'; records: number } {
  const own = verified.filter((one) => one.dataset === dataset);
  const records = own.filter((one) => one.kind === 'residue').length;
  return { dataset, result: records > 0 || own.length === 0 ? 'residue' : 'clean', records };
}
