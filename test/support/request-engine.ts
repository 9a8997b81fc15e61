/** The request engine put together as its module does it, over real databases, keys and jobs and the fakes around it. */
import type { TenantId, TestClock } from '#kernel';
import { JobWorker } from '#jobs';
import { Subscriptions, type EventStore } from '#ledger';
import { Suppressions } from '#subjects';
import { SendAnswer } from '../../libs/requests/src/answer/send-answer.js';
import { CaseFile } from '../../libs/requests/src/case-file.js';
import { REQUEST_QUEUES } from '../../libs/requests/src/course/request-jobs.js';
import { RequestProcess } from '../../libs/requests/src/course/request.process.js';
import { StopAtOnce } from '../../libs/requests/src/course/stop-at-once.js';
import { OwnRecords } from '../../libs/requests/src/opening/own-records.js';
import { ApprovalRule } from '../../libs/requests/src/plan/approval-rule.js';
import { BuildPlan } from '../../libs/requests/src/plan/build-plan.js';
import { RequestSummaryProjection } from '../../libs/requests/src/reading/request-summary.projection.js';
import { Requests } from '../../libs/requests/src/requests.js';
import { RequestEnds, RequestWork } from '../../libs/requests/src/requests.worker.js';
import { AftercareReasons } from '../../libs/requests/src/step/aftercare-reasons.js';
import { BeginRequest } from '../../libs/requests/src/step/begin-request.js';
import { CaseFiles } from '../../libs/requests/src/step/case-files.js';
import { EndCaseFile } from '../../libs/requests/src/step/end-case-file.js';
import { EraseOwnGroup } from '../../libs/requests/src/step/erase-own-group.js';
import { EraseOwnStep } from '../../libs/requests/src/step/erase-own-step.js';
import { EraseStep } from '../../libs/requests/src/step/erase-step.js';
import { KeptGroups, KeptGroupsProjection } from '../../libs/requests/src/step/kept-groups.projection.js';
import { LastLook } from '../../libs/requests/src/step/last-look.js';
import { LateRecords } from '../../libs/requests/src/step/late-records.js';
import { PrepareErasure } from '../../libs/requests/src/step/prepare-erasure.js';
import { ReadStep } from '../../libs/requests/src/step/read-step.js';
import { ResumeHeld } from '../../libs/requests/src/step/resume-held.process.js';
import { RunAftercare } from '../../libs/requests/src/step/run-aftercare.js';
import { RunStep } from '../../libs/requests/src/step/run-step.js';
import type { FakePorts } from './fake-ports.js';
import type { SubjectsFixture } from './subjects-fixture.js';

/** Where one engine lives, and what is around it. */
export interface Setting {
  base: SubjectsFixture;
  clock: TestClock;
  tenant: TenantId;
  store: EventStore;
  ports: FakePorts;
}

/** What its jobs and its people both need. */
export function engineOf({ base, store, ports }: Setting) {
  const { rules, connected, calls, office } = ports;
  const requests = new Requests(store);
  const file = new CaseFile(base.sealer, base.keys);
  const own = new OwnRecords(base.subjects, ports.people);
  const plans = new BuildPlan(connected, calls, rules, own, file);
  const stop = new StopAtOnce(requests, file, own, ports.withdrawals);
  const rule = new ApprovalRule(
    file,
    { at: async () => 'on' },
    { own: async () => false },
    { approvers: async () => office.approvers, expecting: async () => ({}) },
  );
  return { requests, file, own, plans, stop, rule };
}

export type Engine = ReturnType<typeof engineOf>;

/** Its jobs and what listens to facts, at work. */
export function startEngine(setting: Setting, engine: Engine) {
  const { base, clock, tenant, store } = setting;
  const { database } = base.ledger;
  const worker = new JobWorker(store, clock, { pollMs: 10, chance: () => 0 });
  const subscriptions = new Subscriptions(
    store,
    async () => [tenant],
    () => undefined,
  );
  workOf(setting, engine, subscriptions).register(worker);
  const deadJobs = new RequestProcess(engine.requests);
  for (const queue of REQUEST_QUEUES) worker.dead.judge(queue, deadJobs.judge);
  subscriptions.process(deadJobs);
  subscriptions.process(new ResumeHeld(new KeptGroups(database), database, subscriptions, clock));
  subscriptions.project(new RequestSummaryProjection());
  subscriptions.project(new KeptGroupsProjection());
  subscriptions.start();
  worker.start();
  /** As the chore of the service does now and then. */
  const lookAtDeadJobs = (): Promise<void> => worker.dead.settle(database, tenant, clock.now());
  return { worker, subscriptions, lookAtDeadJobs };
}

function workOf({ base, clock, ports }: Setting, engine: Engine, subscriptions: Subscriptions): RequestWork {
  const { requests, file, own, plans, stop, rule } = engine;
  const { rules, connected, calls, erasure, packages, answers, certificates, collected } = ports;
  const suppressions = new Suppressions(base.vault.database, base.keys, clock);
  const prepare = new PrepareErasure(file, new LateRecords(requests, plans, file, clock), rules, connected, calls);
  const files = new CaseFiles(requests, subscriptions, erasure, file, own);
  const reasons = new AftercareReasons(connected, calls, rules, files);
  const folder = { remove: async ({ requestId }: { requestId: string }) => void collected.removed.push(requestId) };
  return new RequestWork(
    new BeginRequest(requests, new LastLook(plans, file, rule, clock), file, suppressions, clock),
    new RunStep(
      requests,
      new EraseStep(requests, file, calls, prepare, clock),
      new EraseOwnStep(requests, file, erasure, rules, clock),
      new ReadStep(requests, file, calls, packages),
    ),
    new RunAftercare(requests, file, reasons, new EraseOwnGroup(requests, files, erasure), clock),
    new SendAnswer(requests, answers, packages, certificates),
    new RequestEnds(stop, new EndCaseFile(requests, files, rules, folder as never, clock), {} as never),
  );
}
