/** What was lawfully kept goes by itself when its day is over; nobody has to remember it. */
import { Inject, Injectable } from '@nestjs/common';
import { DomainError, newId, type Clock, type SubjectId, type TenantId } from '#kernel';
import { done, enqueue, later, type Job, type JobContext, type JobResult } from '#jobs';
import { CLOCK } from '#platform';
import { AftercareReasons, type Kept } from './aftercare-reasons.js';
import { CaseFile } from '../case-file.js';
import { isCaseFile } from './case-files.js';
import { AnswerLater, type Dataset, type Item, type Outcome } from './connected.js';
import { actionAfter, toTarget } from './kept-target.js';
import { FINALITY } from './outcome.js';
import { certificateJob, LOOK_MS } from '../course/request-jobs.js';
import type { AftercareState, RequestState } from '../request-state.js';
import { LETHE_ITSELF, streamOf, type RequestEventData } from '../request.js';
import { aftercareEnded } from './aftercare-ended.js';
import { EraseOwnGroup } from './erase-own-group.js';
import { Requests } from '../requests.js';
import { ACTOR, failureResult } from './step-run.js';

type Ended = { kind: 'erased' | 'failed'; count: number; code?: string };

@Injectable()
export class RunAftercare {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    private readonly reasons: AftercareReasons,
    private readonly own: EraseOwnGroup,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async run(
    { id, tenant, payload, generation }: Job<{ requestId: string; aftercareId: string; once?: true | undefined }>,
    context: JobContext,
  ): Promise<JobResult> {
    const state = await this.requests.load(tenant, payload.requestId);
    const care = state.aftercare.find((one) => one.aftercareId === payload.aftercareId);
    if (!care || care.done) return done();
    try {
      const kept = await this.kept(tenant, state, care, generation).catch((error: unknown) => {
        if (isCaseFile(care) && error instanceof DomainError && error.code === 'case-unreadable') return undefined;
        throw error;
      });
      const about = { requestId: state.id, aftercareId: care.aftercareId };
      // An earlier attempt destroyed the key and ended before it could say so.
      if (!kept)
        return await this.finish(tenant, care, context, { ...about, kind: 'erased', count: care.targets.length });
      const next = await this.reasons.waitUntil(kept, this.clock.now());
      if (next) {
        await this.takeBack(kept);
        return payload.once ? done() : later(next);
      }
      const ended =
        care.connectionId === LETHE_ITSELF ? await this.eraseOwn(kept) : await this.erase(kept, context, id);
      return await this.finish(tenant, care, context, { ...about, ...ended });
    } catch (error) {
      return failureResult(error);
    }
  }

  /** What a system was told to erase when nothing kept it, and has not begun. */
  private async takeBack({ tenant, care, items }: Kept): Promise<void> {
    for (const { itemKey } of items) await this.reasons.calls.withdraw(tenant, care.connectionId, itemKey, []);
  }

  /** Once: a look after a release and the group's own job may come to the same end. */
  private async finish(
    tenant: TenantId,
    { aftercareId }: AftercareState,
    context: JobContext,
    ended: RequestEventData['AftercareDone.v1'],
  ): Promise<JobResult> {
    let result: JobResult = done();
    const id = ended.requestId;
    await this.requests.appending(
      tenant,
      id,
      (now) =>
        now.aftercare.some((one) => one.aftercareId === aftercareId && one.done)
          ? undefined
          : { events: aftercareEnded(now, ended), rows: enqueue(certificateJob(id, newId())) },
      async (change, now) => {
        const { events, rows = [] } = change;
        result = await context.finish({ actorRef: ACTOR, events, rows, expect: { [streamOf(id)]: now.version } });
      },
    );
    return result;
  }

  /** What was decided then, of this round or an earlier one; nothing that came since. */
  private async kept(tenant: TenantId, state: RequestState, care: AftercareState, generation: number): Promise<Kept> {
    if (care.subjects) {
      const people = care.subjects as SubjectId[];
      return {
        tenant,
        state,
        care,
        people,
        subjects: [...new Set([...people, state.subjectId])],
        items: [],
        targets: [],
      };
    }
    const step = [...state.steps, ...state.formerSteps].find((one) => one.stepId === care.stepId);
    const all = step ? await this.file.targets(tenant, state.id, step) : [];
    const plan = state.actedPlans.find((one) => one.planId === step?.planId);
    const details = plan ? await this.file.details(tenant, plan) : { identifiers: [], subjects: [] };
    const itemKey = this.file.itemKey(tenant, care.aftercareId, care.stepId, generation);
    const ids = details.identifiers.map(({ type, value, strength }) => ({ type, value, strength }));
    const items: Item[] = [{ itemKey, generation, ids }];
    const subjects = [...new Set([...(details.subjects as SubjectId[]), state.subjectId])];
    const targets = care.targets.flatMap((index) => all[index] ?? []);
    const people = care.connectionId === LETHE_ITSELF ? targets.map(({ ref }) => ref as SubjectId) : [];
    return { tenant, state, care, items, subjects, people, targets };
  }

  private async eraseOwn(kept: Kept): Promise<Ended> {
    const count = await this.own.erase(kept);
    if (count === undefined) throw new AnswerLater(new Date(this.clock.now().getTime() + LOOK_MS));
    return { kind: 'erased', count };
  }

  private async erase(
    { tenant, state, care, targets, items, subjects: people }: Kept,
    context: JobContext,
    jobId: string,
  ): Promise<Ended> {
    const { connectionId, dataset } = care;
    const mapped = await this.mapped(tenant, care);
    // The table map would have kept it without the reason, too: deleting it now is nobody's decision. The office makes one.
    if (mapped?.action === 'retain' || mapped?.action === 'strip')
      return { kind: 'failed', count: 0, code: 'kept-by-table-map' };
    const itemKey = items[0]?.itemKey ?? '';
    const at = targets.map(({ ruleId: _, fields: __, ...target }) => ({
      ...toTarget(target, itemKey),
      action: actionAfter(target, mapped),
    }));
    if (at.length === 0) return { kind: 'failed', count: 0, code: 'targets-unreadable' };
    const outcomes: Outcome[] = [];
    const { calls } = this.reasons;
    const options = { signal: context.signal, about: { requestId: state.id, subject: state.subjectId, people, jobId } };
    await context.heartbeat();
    for await (const one of calls.apply(tenant, connectionId, { kind: 'erasure' }, items, at, options))
      outcomes.push(one);
    const waiting = outcomes.find((one) => one.kind === 'pending');
    if (waiting) throw new AnswerLater(new Date(this.clock.now().getTime() + waiting.pollAfterMs));
    const failed = outcomes.find((one) => FINALITY[one.kind] !== 'gone');
    if (failed) return { kind: 'failed', count: 0, code: failed.kind };
    const refs = new Set(at.map((one) => one.ref));
    for await (const one of calls.verify(tenant, connectionId, items, at, options))
      if (one.kind === 'residue' && one.dataset === dataset && refs.has(one.ref))
        return { kind: 'failed', count: 0, code: 'residue' };
    return { kind: 'erased', count: at.length };
  }

  /** The dataset as its table map has it now. */
  private async mapped(tenant: TenantId, { connectionId, dataset }: AftercareState): Promise<Dataset | undefined> {
    const system = await this.reasons.connected.find(tenant, connectionId);
    return system?.datasets.find((one) => one.name === dataset);
  }
}
