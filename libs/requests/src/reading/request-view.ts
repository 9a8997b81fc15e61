/** What an officer reads of a request: shapes of the answers, and how they are made from the state. Pure. */
import { z } from 'zod';
import { dateInZone, leading, type LegalClock } from '#law';
import type { JobTroubled } from '#jobs';
import { FINALITY } from '../step/outcome.js';
import { chargeOf, clocksOf, dueOnOf } from '../course/request-clocks.js';
import type { RequestState, StepState } from '../request-state.js';
import { isSettled } from '../course/verdict.js';

/** One deadline with its arithmetic. */
export const ClockView = z
  .strictObject({
    regime: z.string(),
    kind: z.string(),
    startsOn: z.iso.date(),
    dueOn: z.iso.date(),
    effectiveDueOn: z.iso.date(),
    extendedDueOn: z.iso.date().optional(),
    extendableTo: z.iso.date().optional(),
    warnOn: z.iso.date().optional(),
    pausedSince: z.iso.date().optional(),
    calendar: z.string(),
    rule: z.string(),
    citation: z.string(),
    steps: z.array(z.string()),
  })
  .meta({ id: 'RequestClock' });

const OutcomeView = z
  .strictObject({
    dataset: z.string(),
    kind: z.string(),
    count: z.number().int(),
    reason: z.string().optional(),
    citation: z.string().optional(),
    until: z.iso.date().nullable().optional(),
    note: z.string().optional(),
  })
  .meta({ id: 'RequestOutcome' });

const TargetView = z
  .strictObject({
    connectionId: z.string(),
    name: z.string(),
    stepId: z.uuid(),
    status: z.enum(['waiting', 'acting', 'retrying', 'failed', 'manual', 'accepted', 'done']),
    outcomes: z.array(OutcomeView),
    verification: z.strictObject({
      status: z.enum(['pending', 'clean', 'residue', 'not-needed']),
      datasets: z.array(z.strictObject({ dataset: z.string(), result: z.string(), records: z.number().int() })),
    }),
    horizon: z.array(
      z.strictObject({
        dataset: z.string(),
        layer: z.string(),
        until: z.string().nullable(),
        note: z.string().optional(),
      }),
    ),
    isolation: z.string().nullable(),
    added: z.number().int(),
    attempts: z.number().int(),
    failure: z.strictObject({ code: z.string(), class: z.string(), jobId: z.string() }).nullable(),
  })
  .meta({ id: 'RequestTarget' });

const TaskView = z
  .strictObject({
    id: z.uuid(),
    kind: z.string(),
    system: z.string(),
    why: z.string(),
    owner: z.string(),
    dueOn: z.iso.date(),
    status: z.enum(['open', 'done', 'nothing-found']),
  })
  .meta({ id: 'RequestTask' });

export const TaskList = z.strictObject({ items: z.array(TaskView), next: z.null() }).meta({ id: 'RequestTaskList' });

export const RequestView = z
  .strictObject({
    id: z.uuid(),
    type: z.string(),
    regimes: z.array(z.string()),
    territory: z.string().nullable(),
    status: z.string(),
    resolution: z.string().nullable(),
    owner: z.string().nullable(),
    deadline: z.iso.date().nullable(),
    overdue: z.boolean(),
    receivedAt: z.iso.datetime(),
    recordedAt: z.iso.datetime(),
    backdated: z.boolean(),
    channel: z.string(),
    dueOn: z.iso.date(),
    clocks: z.array(ClockView),
    paused: z.array(z.strictObject({ regime: z.string(), from: z.iso.date(), to: z.iso.date().nullable() })),
    extended: z.array(z.string()),
    identifiers: z.array(
      z.strictObject({ id: z.uuid(), type: z.string(), strength: z.string(), method: z.string().nullable() }),
    ),
    subjectId: z.uuid(),
    mergedInto: z.uuid().nullable(),
    plan: z.strictObject({ id: z.uuid(), hash: z.string(), expiresAt: z.iso.datetime(), cause: z.string() }).nullable(),
    approvals: z.number().int(),
    blockers: z.array(
      z.strictObject({
        code: z.string(),
        connectionId: z.string(),
        dataset: z.string().nullable(),
        count: z.number().int(),
      }),
    ),
    unsearched: z.array(z.strictObject({ id: z.string(), name: z.string(), owner: z.string(), why: z.string() })),
    reasons: z.array(
      z.strictObject({
        code: z.string(),
        stepId: z.string().optional(),
        taskId: z.string().optional(),
        connectionId: z.string().optional(),
      }),
    ),
    targets: z.array(TargetView),
    aftercare: z.array(
      z.strictObject({
        connectionId: z.string(),
        dataset: z.string(),
        count: z.number().int(),
        ruleId: z.string(),
        citation: z.string().nullable(),
        until: z.iso.date().nullable(),
        status: z.enum(['waiting', 'erased', 'failed']),
      }),
    ),
    tasks: z.array(TaskView),
    answers: z.array(z.strictObject({ id: z.string(), kind: z.string(), channel: z.string() })),
    package: z.strictObject({ id: z.string(), records: z.number().int(), expiresAt: z.string() }).nullable(),
    certificates: z.array(z.strictObject({ id: z.string(), version: z.number().int(), hash: z.string() })),
    position: z.number().int(),
  })
  .meta({ id: 'Request' });

export type RequestView = z.infer<typeof RequestView>;
type Target = z.infer<typeof TargetView>;

export function clockView(clock: LegalClock): z.infer<typeof ClockView> {
  const { ruleVersion: _, source: __, confidence: ___, ...view } = clock;
  return view;
}

/** The whole view as of `now`. Types of identifiers only: values are in the plan, behind an entry in the access log. */
export function requestView(state: RequestState, now: Date, troubled: readonly JobTroubled[] = []): RequestView {
  const today = dateInZone(now, state.timeZone);
  const clocks = clocksOf(state, today);
  const dueOn = dueOnOf(clocks, state.receivedOn);
  const charge = chargeOf(state, dueOn);
  const answerBy = leading(clocks)?.effectiveDueOn;
  const head = planHeadOf(state);
  return {
    ...{ id: state.id, type: state.type, regimes: state.regimes, territory: state.territory, status: state.status },
    resolution: state.resolution ?? null,
    owner: charge?.owner ?? null,
    deadline: charge?.deadline ?? null,
    overdue: charge !== undefined && answerBy !== undefined && today > answerBy,
    ...{
      receivedAt: state.receivedAt,
      recordedAt: state.recordedAt,
      backdated: state.backdated,
      channel: state.channel,
    },
    ...{ dueOn, clocks: clocks.map(clockView) },
    paused: state.pauses.map(({ regime, from, to }) => ({ regime, from, to })),
    extended: Object.keys(state.extended),
    identifiers: state.identifiers.map(({ id, type, strength, method }) => ({
      id,
      type,
      strength,
      method: method ?? null,
    })),
    subjectId: state.subjectId,
    mergedInto: state.mergedInto ?? null,
    plan: state.plan
      ? { id: state.plan.planId, hash: state.plan.hash, expiresAt: state.plan.expiresAt, cause: state.plan.cause }
      : null,
    approvals: state.approvals.length,
    ...{ blockers: head?.blockers ?? [], unsearched: head?.unsearched ?? [], reasons: state.incomplete },
    targets: state.steps.map((step) => targetView(state, step, troubled)),
    aftercare: state.aftercare.map(({ connectionId, dataset, count, ruleId, citation, until, done }) => ({
      connectionId,
      dataset,
      count,
      ruleId,
      citation,
      until,
      status: done?.kind ?? 'waiting',
    })),
    tasks: state.tasks.map(taskView),
    answers: state.answers.map(({ answerId, kind, channel }) => ({ id: answerId, kind, channel })),
    package: state.package
      ? { id: state.package.packageId, records: state.package.records, expiresAt: state.package.expiresAt }
      : null,
    certificates: state.certificates.map(({ certificateId, version, hash }) => ({ id: certificateId, version, hash })),
    position: state.position,
  };
}

type HeadView = {
  blockers: RequestView['blockers'];
  unsearched: RequestView['unsearched'];
  systems: { connectionId: string; name: string }[];
};

function planHeadOf(state: RequestState): HeadView | undefined {
  return state.plan?.head as unknown as HeadView | undefined;
}

export function taskView(task: RequestState['tasks'][number]): z.infer<typeof TaskView> {
  const { taskId, kind, systemName, why, owner, dueOn, completed } = task;
  return { id: taskId, kind, system: systemName, why, owner, dueOn, status: completed?.outcome ?? 'open' };
}

function targetView(state: RequestState, step: StepState, troubled: readonly JobTroubled[]): Target {
  const name =
    planHeadOf(state)?.systems.find((one) => one.connectionId === step.connectionId)?.name ?? step.connectionId;
  const tried = troubled.find((one) => one.id === step.jobId);
  const failure = step.failure ?? (tried && { jobId: tried.id, code: tried.code, class: tried.class });
  return {
    ...{ connectionId: step.connectionId, name, stepId: step.stepId, status: statusOf(state, step) },
    outcomes: latestOutcomes(step),
    verification: {
      status: verificationOf(state, step),
      datasets: [...step.verification].map(([dataset, one]) => ({ dataset, ...one })),
    },
    ...{ horizon: step.horizon, isolation: step.isolation, added: step.added, attempts: step.attempts },
    failure: failure ? { code: failure.code, class: failure.class, jobId: failure.jobId } : null,
  };
}

function statusOf(state: RequestState, step: StepState): Target['status'] {
  if (step.handled === 'accepted') return 'accepted';
  if (isSettled(state, step)) return 'done';
  if (step.handled === 'manual') return 'manual';
  if (step.failure || step.finished) return 'failed';
  if (step.attempts === 0) return 'waiting';
  return step.attempts > 1 ? 'retrying' : 'acting';
}

function verificationOf(state: RequestState, step: StepState): Target['verification']['status'] {
  if (state.type === 'access') return 'not-needed';
  const results = [...step.verification.values()].map((one) => one.result);
  if (results.includes('residue')) return 'residue';
  return step.finished ? 'clean' : 'pending';
}

/** Only what still holds: a failure that a later attempt settled is history (it stays in the ledger). */
function latestOutcomes(step: StepState): Target['outcomes'] {
  const shown = step.outcomes.filter(
    (one) =>
      one.targets.length === 0 ||
      one.targets.some((target) => step.settled.get(target) === one.kind || FINALITY[one.kind] === 'gone'),
  );
  const unique = new Map(
    shown.map((one) => [JSON.stringify([one.dataset, one.kind, one.ruleId, one.until, one.note, one.targets]), one]),
  );
  return [...unique.values()].map(({ dataset, kind, count, reason, citation, until, note }) => ({
    ...{ dataset, kind, count },
    ...(reason === undefined ? {} : { reason }),
    ...(citation === undefined ? {} : { citation }),
    ...(until === undefined ? {} : { until }),
    ...(note === undefined ? {} : { note }),
  }));
}
