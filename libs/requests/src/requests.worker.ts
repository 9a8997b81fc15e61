/** What the worker runs for requests: one handler a queue, and the process that turns a dead job into an open question. */
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { done, JobWorker, tryAgain } from '#jobs';
import { Subscriptions } from '#ledger';
import { CONFIG, type Config } from '#platform';
import { BeginRequest } from './step/begin-request.js';
import {
  AFTERCARE,
  aftercarePayload,
  ANSWER,
  answerPayload,
  BEGIN,
  beginPayload,
  CERTIFICATE,
  certificatePayload,
  FILE,
  filePayload,
  REQUEST_QUEUES,
  READ_AGAIN,
  STEP,
  stepPayload,
  STOP,
  stopPayload,
} from './course/request-jobs.js';
import { RequestProcess } from './course/request.process.js';
import { PACKAGE_EXPIRY, PackageExpiry, packageExpiryPayload } from './package/package-expiry.js';
import { RequestSummaryProjection } from './reading/request-summary.projection.js';
import { EndCaseFile } from './step/end-case-file.js';
import { KeptGroupsProjection } from './step/kept-groups.projection.js';
import { ResumeHeld } from './step/resume-held.process.js';
import { RunAftercare } from './step/run-aftercare.js';
import { RunStep } from './step/run-step.js';
import { SendAnswer } from './answer/send-answer.js';
import { StopAtOnce } from './course/stop-at-once.js';

/** One call into a connection at a time: its plugin and its vendor's limits are shared. */
const PER_CONNECTION = { concurrency: 1 };
/** Short, so that a killed worker's step is taken over soon; a live one renews it all the time. */
const LEASE_MS = 6_000;

/** What ends without an officer: what a person stops, a file and a package on its day. */
@Injectable()
export class RequestEnds {
  constructor(
    readonly stop: StopAtOnce,
    readonly file: EndCaseFile,
    readonly packages: PackageExpiry,
  ) {}
}

/** Everything a request's jobs need. */
@Injectable()
export class RequestWork {
  constructor(
    readonly begin: BeginRequest,
    readonly step: RunStep,
    readonly aftercare: RunAftercare,
    readonly answer: SendAnswer,
    readonly ends: RequestEnds,
  ) {}

  register(worker: JobWorker): void {
    const { begin, step, aftercare, answer } = this;
    const { stop, file, packages } = this.ends;
    const perKey = (key: string): { concurrency?: number } => (key === '' ? {} : PER_CONNECTION);
    worker.handle(BEGIN, { payload: beginPayload, lease: LEASE_MS }, (job, context) => begin.run(job, context));
    for (const queue of [STEP, READ_AGAIN])
      worker.handle(queue, { payload: stepPayload, lease: LEASE_MS, perKey }, (job, context) => step.run(job, context));
    worker.handle(AFTERCARE, { payload: aftercarePayload, lease: LEASE_MS, perKey }, (job, context) =>
      aftercare.run(job, context),
    );
    worker.handle(ANSWER, { payload: answerPayload, lease: LEASE_MS }, (job, context) => answer.run(job, context));
    worker.handle(CERTIFICATE, { payload: certificatePayload }, async ({ tenant, payload }, context) => {
      await answer.certify(tenant, payload.requestId, context);
      return done();
    });
    worker.handle(FILE, { payload: filePayload }, (job) => file.run(job));
    worker.handle(PACKAGE_EXPIRY, { payload: packageExpiryPayload }, (job, context) => packages.run(job, context));
    worker.handle(STOP, { payload: stopPayload }, async ({ tenant, payload }) => {
      await stop.finish(tenant, payload.requestId);
      return done();
    });
  }
}

/** What listens to other domains' facts. */
@Injectable()
export class RequestProcesses {
  constructor(
    readonly deadJobs: RequestProcess,
    readonly releasedHolds: ResumeHeld,
  ) {}
}

/** Registers the work in processes with the role `worker`. */
@Injectable()
export class RequestsWorker implements OnModuleInit {
  constructor(
    private readonly work: RequestWork,
    private readonly processes: RequestProcesses,
    private readonly jobs: JobWorker,
    private readonly subscriptions: Subscriptions,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.subscriptions.project(new RequestSummaryProjection());
    this.subscriptions.project(new KeptGroupsProjection());
    if (!this.config.LETHE_ROLES.includes('worker')) return;
    this.work.register(this.jobs);
    for (const queue of REQUEST_QUEUES) this.jobs.dead.judge(queue, this.processes.deadJobs.judge);
    this.jobs.dead.judge(PACKAGE_EXPIRY, tryAgain);
    this.subscriptions.process(this.processes.deadJobs);
    this.subscriptions.process(this.processes.releasedHolds);
  }
}
