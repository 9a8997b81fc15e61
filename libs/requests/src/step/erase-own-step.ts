/** The last step: Lethe itself. The identity key dies at once; the evidence classes stay, dated, and go by themselves. */
import { Inject, Injectable } from '@nestjs/common';
import { newId, type Clock, type SubjectId, type TenantId } from '#kernel';
import { dead, enqueue, type JobContext, type JobResult } from '#jobs';
import type { NewEvent } from '#ledger';
import { CLOCK } from '#platform';
import { CaseFile } from '../case-file.js';
import type { KeptTarget } from './kept-target.js';
import type { DatasetOutcome } from './outcome.js';
import { KeepingRules } from './connected-systems.js';
import { OwnErasure } from '../ports.js';
import { aftercareJob } from '../course/request-jobs.js';
import type { RequestState } from '../request-state.js';
import { fact, LETHE_ITSELF, type HorizonFact } from '../request.js';
import { Requests, type Change } from '../requests.js';
import { rememberStops } from './remember-stops.js';
import { beginAttempt, finishAttempt, type Attempt, type StepJob } from './step-run.js';

@Injectable()
export class EraseOwnStep {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    private readonly own: OwnErasure,
    private readonly rules: KeepingRules,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async run(job: StepJob, context: JobContext): Promise<JobResult> {
    const attempt = await beginAttempt(this.requests, job, context);
    if (!attempt) return { kind: 'done' };
    const { tenant } = job;
    const kept = await this.heldBack(tenant, await this.file.targets(tenant, attempt.state.id, attempt.step));
    const subjects = kept.filter((one) => one.action === 'erase').map((one) => one.ref as SubjectId);
    await context.heartbeat();
    const { id: requestId, plan } = attempt.state;
    const known = plan ? (await this.file.details(tenant, plan)).identifiers : [];
    for (const subject of subjects) await rememberStops(this.requests, this.own, { tenant, requestId, subject });
    for (const subject of subjects) await this.own.erase(tenant, subject, ['identity'], known);
    const left = await this.left(tenant, subjects);
    const horizon = await this.own.horizon();
    if (left > 0) return dead('residue');
    return finishAttempt(this.requests, attempt, (state) => finished(attempt, state, kept, horizon, this.clock.now()));
  }

  /** A hold wins over everything, also over an approval that came before it; not over what an earlier attempt has erased. */
  private async heldBack(tenant: TenantId, targets: readonly KeptTarget[]): Promise<KeptTarget[]> {
    const judged = targets.map(async (target): Promise<KeptTarget> => {
      if (target.action !== 'erase') return target;
      const subject = target.ref as SubjectId;
      const hold = await this.rules.hold(tenant, { subject, connectionId: LETHE_ITSELF, dataset: target.dataset });
      if (!hold || !(await this.own.isReadable(tenant, subject))) return target;
      return { ...target, action: 'retain', ruleId: `hold:${hold.id}`, citation: hold.ground, until: null };
    });
    return Promise.all(judged);
  }

  /** Reads again: whoever still opens under the identity key was not erased. */
  private async left(tenant: TenantId, subjects: readonly SubjectId[]): Promise<number> {
    const readable = await Promise.all(subjects.map((subject) => this.own.isReadable(tenant, subject)));
    return readable.filter(Boolean).length;
  }
}

function finished(
  { step }: Attempt,
  state: RequestState,
  kept: readonly KeptTarget[],
  until: string | null,
  now: Date,
): Change {
  const at = { requestId: state.id, stepId: step.stepId, connectionId: LETHE_ITSELF };
  // Erasing an identity restricts what stays of the person (`EraseIdentity`).
  const restricted = new Set(kept.filter((one) => one.action === 'erase').map((one) => one.ref));
  const outcomes = step.datasets.flatMap((dataset) => outcomesOf(dataset, kept, restricted));
  const cares = outcomes.flatMap(({ dataset, kind, count, ruleId, citation, until: last, targets }) =>
    kind === 'retained'
      ? [
          {
            aftercareId: newId(),
            stepId: step.stepId,
            connectionId: LETHE_ITSELF,
            dataset,
            count,
            ruleId: ruleId ?? '',
            citation: citation ?? null,
            until: last ?? null,
            targets,
            subjects: targets.flatMap((index) => kept[index]?.ref ?? []),
          },
        ]
      : [],
  );
  const horizons: HorizonFact[] = step.datasets.map((dataset) => ({
    dataset,
    layer: 'backup',
    until,
    note: 'key-epoch',
  }));
  const events: NewEvent[] = [
    ...outcomes.map((outcome) => fact('TargetOutcomeRecorded.v1', { ...at, generation: 0, ...outcome })),
    fact('StepVerified.v1', {
      ...at,
      datasets: step.datasets.map((dataset) => ({ dataset, result: 'clean' as const, records: 0 })),
    }),
    fact('HorizonRecorded.v1', { ...at, horizons }),
    ...cares.map((care) => fact('AftercareScheduled.v1', { requestId: state.id, ...care })),
    fact('StepFinished.v1', { ...at, isolation: null }),
  ];
  const rows = cares.flatMap((care) => aftercareJob(state.id, care, state.timeZone, now).flatMap(enqueue));
  return { events, rows };
}

/** One outcome for what is done alike: a hold may cover one of several linked people. */
function outcomesOf(dataset: string, kept: readonly KeptTarget[], restricted: ReadonlySet<string>): DatasetOutcome[] {
  const own = [...kept.entries()].filter(([, target]) => target.dataset === dataset);
  if (own.length === 0) return [{ dataset, kind: 'not-found', count: 0, targets: [] }];
  const alike = new Map<string, [number, KeptTarget][]>();
  for (const one of own) {
    const name = JSON.stringify([one[1].action, one[1].ruleId]);
    alike.set(name, [...(alike.get(name) ?? []), one]);
  }
  return [...alike.values()].map((group) => outcomeOf(dataset, group, restricted));
}

function outcomeOf(dataset: string, own: [number, KeptTarget][], restricted: ReadonlySet<string>): DatasetOutcome {
  const targets = own.map(([index]) => index);
  const first = own[0]![1];
  if (first.action === 'erase') return { dataset, kind: 'erased', count: own.length, targets };
  const { ruleId = '', citation, until = null } = first;
  return {
    dataset,
    kind: 'retained',
    count: own.length,
    targets,
    ruleId,
    until,
    reason: own.every(([, target]) => restricted.has(target.ref)) ? 'evidence-restricted' : 'evidence-duty',
    ...(citation === undefined ? {} : { citation }),
  };
}
