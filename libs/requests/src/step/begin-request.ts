/** The first job after approval: looks once more, suppresses, keeps the targets sealed, and only then lets anybody write. */
import { Inject, Injectable } from '@nestjs/common';
import { DomainError, newId, type Clock, type TenantId } from '#kernel';
import { done, enqueue, later, type Job, type JobContext, type JobResult } from '#jobs';
import { addDays, dateInZone } from '#law';
import { VersionConflict, type InlineRow, type NewEvent } from '#ledger';
import { CLOCK } from '#platform';
import { normaliseAll, Suppressions } from '#subjects';
import type { PlanDraft } from '../plan/build-plan.js';
import { CaseFile } from '../case-file.js';
import type { Identifier } from './connected.js';
import { LastLook, type LookedAgain } from './last-look.js';
import { planFact } from '../plan/plan-record.js';
import type { PlanHead } from '../plan/plan.js';
import { stepJob } from '../course/request-jobs.js';
import type { RequestState } from '../request-state.js';
import { fact, LETHE_ITSELF, streamOf, targetsPlace, type IncompleteReason, type StepPlan } from '../request.js';
import { Requests } from '../requests.js';

/** Longer than any backup of a connected system is usually kept; restore-type suppressions end with the last backup. */
const SUPPRESSED_DAYS = 400;
/** A sealed list of targets a leaf; a leaf is read as a whole. */
const CHUNK = 500;
const BATCH = 20;

@Injectable()
export class BeginRequest {
  constructor(
    private readonly requests: Requests,
    private readonly look: LastLook,
    private readonly file: CaseFile,
    private readonly suppressions: Suppressions,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async run({ tenant, payload }: Job<{ requestId: string; planId: string }>, context: JobContext): Promise<JobResult> {
    const state = await this.requests.load(tenant, payload.requestId);
    const mayBegin = state.status === 'approved' || (state.status === 'incomplete' && state.steps.length === 0);
    if (!mayBegin || state.plan?.planId !== payload.planId) return done();
    const { approved, draft, asks } = await this.lookAgain(tenant, state, state.plan, context);
    const finish = (events: NewEvent[], rows: InlineRow[] = []): Promise<JobResult> =>
      context
        .finish({ actorRef: 'system:requests', events, rows, expect: { [streamOf(state.id)]: state.version } })
        .catch((error: unknown) => {
          // A letter left meanwhile, or somebody withdrew: looked at anew, and at once.
          if (error instanceof VersionConflict) return later(this.clock.now());
          throw error;
        });
    // Back to the people who decide, before any write.
    if (asks) return finish([await planFact(this.file, tenant, state, draft, 'first-write', this.clock.now())]);
    const suppressed = state.type === 'erasure' ? await this.suppress(tenant, state, draft) : [];
    const { events, rows } = await this.steps(tenant, state, draft, approved);
    return finish([...suppressed, ...events, ...this.tasks(state, draft)], rows);
  }

  /** A system that stays silent is named to the officer while the job tries again. */
  private async lookAgain(
    ...[tenant, state, plan, context]: [...Parameters<LastLook['at']>, JobContext]
  ): Promise<LookedAgain> {
    try {
      return await this.look.at(tenant, state, plan);
    } catch (error) {
      const reasons = silentIn(error);
      if (reasons.length > 0 && JSON.stringify(reasons) !== JSON.stringify(state.incomplete))
        await context.append({
          actorRef: 'system:requests',
          events: [fact('RequestIncomplete.v1', { requestId: state.id, reasons })],
          expect: { [streamOf(state.id)]: state.version },
        });
      throw error;
    }
  }

  /** Before any job can write: what a sync brings back meanwhile must already be refused. Repeating it changes nothing. */
  private async suppress(tenant: TenantId, state: RequestState, draft: PlanDraft): Promise<NewEvent[]> {
    const now = this.clock.now();
    const expiresAt = new Date(now.getTime() + SUPPRESSED_DAYS * 86_400_000);
    const identifiers = draft.details.identifiers.filter(isNormal);
    const systems = draft.head.systems.filter((system) =>
      system.datasets.some((one) => one.decisions.some(({ action }) => action !== 'retain')),
    );
    for (const { connectionId } of systems)
      for (let from = 0; from < identifiers.length; from += BATCH)
        await this.suppressions.suppress(tenant, identifiers.slice(from, from + BATCH), {
          scope: { kind: 'connection', id: connectionId },
          before: now,
          expiresAt,
        });
    return [
      fact('SuppressionRecorded.v1', {
        requestId: state.id,
        count: identifiers.length * systems.length,
        until: expiresAt.toISOString(),
      }),
    ];
  }

  /** One step a connection, those reached over the longest chain first; Lethe itself waits until all others are done. */
  private async steps(
    tenant: TenantId,
    state: RequestState,
    draft: PlanDraft,
    approved: PlanHead,
  ): Promise<{ events: NewEvent[]; rows: InlineRow[] }> {
    const depth = (connectionId: string): number =>
      Math.max(
        0,
        ...draft.details.identifiers
          .filter((one) => one.edge?.connectionId === connectionId)
          .map((one) => one.edge?.depth ?? 0),
      );
    const systems = [...draft.head.systems].sort(
      (one, other) =>
        Number(one.connectionId === LETHE_ITSELF) - Number(other.connectionId === LETHE_ITSELF) ||
        depth(one.connectionId) - depth(other.connectionId),
    );
    const steps = systems.map(({ connectionId, datasets }, order): StepPlan => ({
      stepId: newId(),
      connectionId,
      order,
      jobId: newId(),
      datasets: datasets.map((one) => one.name),
    }));
    const kept = await Promise.all(
      steps.map((step) => this.keep(tenant, state, step, draft, addedTo(approved, step.connectionId, draft))),
    );
    const rows = steps
      .filter((step) => step.connectionId !== LETHE_ITSELF)
      .flatMap((step) => enqueue(stepJob(state.id, step)));
    // Nothing is connected: Lethe itself is all there is.
    const alone = steps.length === 1 && steps[0] ? enqueue(stepJob(state.id, steps[0])) : [];
    return {
      events: [fact('ActingStarted.v1', { requestId: state.id, planId: draftPlanId(state), steps }), ...kept.flat()],
      rows: [...rows, ...alone],
    };
  }

  private keep(
    tenant: TenantId,
    state: RequestState,
    step: StepPlan,
    draft: PlanDraft,
    added: number,
  ): Promise<NewEvent[]> {
    const targets = draft.targets.get(step.connectionId) ?? [];
    const starts = Array.from({ length: Math.ceil(targets.length / CHUNK) }, (_, index) => index * CHUNK);
    return Promise.all(
      starts.map(async (from) => {
        const part = targets.slice(from, from + CHUNK);
        const datasets = runsOf(part.map((target) => target.dataset));
        const sealed = await this.file.seal(tenant, state, part, targetsPlace(state.id, step.stepId, from));
        return fact('TargetsKept.v1', {
          requestId: state.id,
          stepId: step.stepId,
          from,
          datasets,
          added: from === 0 ? added : 0,
          targets: sealed,
        });
      }),
    );
  }

  /** Everything without a connector is a human's task, with owner and day; the office checks a week before the answer is due. */
  private tasks(state: RequestState, draft: PlanDraft): NewEvent[] {
    const dueOn = addDays(dateInZone(this.clock.now(), state.timeZone), 14);
    // Who looked in an earlier round has not looked since.
    const open = state.tasks.filter((task) => task.kind === 'unsearched-system' && task.completed === undefined);
    const known = new Set(open.map((task) => task.systemId));
    return draft.head.unsearched
      .filter((system) => !known.has(system.id))
      .map(({ id, name, owner, why }) =>
        fact('ManualTaskOpened.v1', {
          requestId: state.id,
          taskId: newId(),
          kind: 'unsearched-system',
          systemId: id,
          systemName: name,
          why,
          owner,
          dueOn,
        }),
      );
  }
}

function silentIn(error: unknown): IncompleteReason[] {
  const silent = error instanceof DomainError && error.code === 'plan-unconfirmed' && error.details.extra?.['silent'];
  return Array.isArray(silent)
    ? (silent as { code: string; connectionId: string }[]).map(({ code, connectionId }) => ({ code, connectionId }))
    : [];
}

function draftPlanId(state: RequestState): string {
  return state.plan?.planId ?? '';
}

/** Records that came since the approval, inside the approved band: they run and are listed. */
function addedTo(approved: PlanHead, connectionId: string, draft: PlanDraft): number {
  const before = approved.systems.find((one) => one.connectionId === connectionId)?.datasets ?? [];
  const counted = before.flatMap((one) => one.decisions).reduce((sum, one) => sum + one.count, 0);
  const now = (draft.targets.get(connectionId) ?? []).reduce((sum, one) => sum + one.count, 0);
  return Math.max(0, now - counted);
}

function isNormal(identifier: Identifier): boolean {
  try {
    return normaliseAll([identifier]).length === 1;
  } catch {
    return false;
  }
}

/** Datasets in the order of the targets, as runs, so that an index leads to its dataset without opening anything. */
function runsOf(names: readonly string[]): { dataset: string; count: number }[] {
  const runs: { dataset: string; count: number }[] = [];
  for (const dataset of names) {
    const last = runs.at(-1);
    if (last?.dataset === dataset) last.count += 1;
    else runs.push({ dataset, count: 1 });
  }
  return runs;
}
