/** The real request engine, wired over simulation ports: what `RequestsModule` does over the real ones. */
import { JobWorker } from '#jobs';
import { Caller } from '#platform';
import { Sealer } from '#subjects';
import { claimJobs } from '../../libs/jobs/src/claim-jobs.js';
import { register, type Registration } from '../../libs/jobs/src/job-handler.js';
import { runJob } from '../../libs/jobs/src/run-job.js';
import { ApprovalRule } from '../../libs/requests/src/plan/approval-rule.js';
import { ApproveRequestHandler } from '../../libs/requests/src/plan/approve-request.js';
import { BuildPlan } from '../../libs/requests/src/plan/build-plan.js';
import { ExcludeFromPlanHandler } from '../../libs/requests/src/plan/exclude-from-plan.js';
import { MakePlanHandler } from '../../libs/requests/src/plan/make-plan.js';
import { CaseFiles } from '../../libs/requests/src/step/case-files.js';
import { CaseFile } from '../../libs/requests/src/case-file.js';
import { CourseOfRequest } from '../../libs/requests/src/course/course-of-request.js';
import { IdentifySubjectHandler } from '../../libs/requests/src/identify/identify-subject.js';
import { Intake } from '../../libs/requests/src/opening/intake.js';
import { ManualTasks } from '../../libs/requests/src/manual-tasks.js';
import { OpenRequestHandler } from '../../libs/requests/src/opening/open-request.js';
import { OwnRecords } from '../../libs/requests/src/opening/own-records.js';
import { RequestProcess } from '../../libs/requests/src/course/request.process.js';
import { Requests } from '../../libs/requests/src/requests.js';
import { RequestEnds, RequestWork } from '../../libs/requests/src/requests.worker.js';
import { RequestSummaryProjection } from '../../libs/requests/src/reading/request-summary.projection.js';
import { SendAnswer } from '../../libs/requests/src/answer/send-answer.js';
import { SimilarRequests } from '../../libs/requests/src/opening/similar-requests.js';
import { AftercareReasons } from '../../libs/requests/src/step/aftercare-reasons.js';
import { LastLook } from '../../libs/requests/src/step/last-look.js';
import { EndCaseFile } from '../../libs/requests/src/step/end-case-file.js';
import { EraseOwnGroup } from '../../libs/requests/src/step/erase-own-group.js';
import { EraseOwnStep } from '../../libs/requests/src/step/erase-own-step.js';
import { EraseStep } from '../../libs/requests/src/step/erase-step.js';
import { KeptGroups, KeptGroupsProjection } from '../../libs/requests/src/step/kept-groups.projection.js';
import { PrepareErasure } from '../../libs/requests/src/step/prepare-erasure.js';
import { LateRecords } from '../../libs/requests/src/step/late-records.js';
import { ReadStep } from '../../libs/requests/src/step/read-step.js';
import { ResumeHeld } from '../../libs/requests/src/step/resume-held.process.js';
import { RunAftercare } from '../../libs/requests/src/step/run-aftercare.js';
import { RunStep } from '../../libs/requests/src/step/run-step.js';
import { StopAtOnce } from '../../libs/requests/src/course/stop-at-once.js';
import { SingleSettlements, type Machine } from './machine.js';
import { TENANT } from './memory-ledger.js';
import * as ports from './neighbours.js';
import { plantedAftercare, plantedBegin, plantedCalls, plantedCaseFile, type Plant } from './plants.js';
import { VendorCalls } from './vendor-calls.js';
import type { World } from './world.js';

/** Waits by the simulated clock alone. */
class PatientPlan extends BuildPlan {
  protected override patience(): undefined {
    return undefined;
  }
}

/** The list of requests, as late as chance will have it. */
class LateList extends SimilarRequests {
  private readonly projection = new RequestSummaryProjection();

  constructor(
    private readonly machine: Machine,
    private readonly world: World,
  ) {
    super(machine.database);
  }

  override async candidates(...[tenant, state]: Parameters<SimilarRequests['candidates']>): Promise<string[]> {
    if (!this.world.twins) return [];
    await this.catchUp(this.world.stormy ? this.machine.chance.below(20) : 0);
    return super.candidates(tenant, state);
  }

  /** @param late how many facts it has not heard of yet */
  async catchUp(late: number): Promise<true> {
    const { ledger } = this.machine;
    const from = ledger.cursors.get(this.projection.name) ?? 0;
    const to = Math.max(from, ledger.log.length - late);
    ledger.cursors.set(this.projection.name, to);
    await this.projection.apply(ledger.log.slice(from, to), async (statement) => ledger.query(statement) as never);
    return true;
  }
}

export type Engine = ReturnType<typeof startEngine>;

/** One process's engine. A killed one is thrown away; the next is made over what survived. */
export function startEngine(machine: Machine, world: World, vault: ports.Vault, plant: Plant | undefined) {
  const { store, database, clock, ledger } = machine;
  const keyProvider = ports.memoryKeyProvider;
  const sealer = new Sealer(ports.memoryKeys(vault));
  const file = plantedCaseFile(plant, sealer, keyProvider) ?? new CaseFile(sealer, keyProvider);
  const requests = new Requests(store);
  const connected = new ports.WorldConnected(world);
  const rules = new ports.WorldRules(world);
  const subjects = ports.memorySubjects(vault, machine);
  const own = new OwnRecords(subjects, ports.memoryPeople);
  const calls = plantedCalls(plant, new VendorCalls(world, machine, 'step'));
  const plans = new PatientPlan(connected, calls, rules, own, file);
  const late = new LateRecords(requests, plans, file, clock);
  const erasure = new ports.WorldErasure(vault, machine);
  const packages = new ports.WorldPackages(vault, machine);
  const stop = new StopAtOnce(requests, file, own, new ports.WorldWithdrawals(vault, machine));
  const answers = new ports.WorldAnswers(world, machine, file);
  const list = new LateList(machine, world);
  const files = new CaseFiles(requests, { caughtUp: async () => list.catchUp(0) } as never, erasure, file, own);
  const later = plantedAftercare(plant, new VendorCalls(world, machine, 'aftercare'));
  const reasons = new AftercareReasons(connected, later, rules, files);
  const suppressions = ports.memorySuppressions(vault, machine);
  const office = { approvers: async () => ['ann', 'bob', 'cid', 'yul', 'zed'], expecting: async () => ({}) };
  const rule = new ApprovalRule(file, { at: async () => 'on' }, { own: async () => false }, office);
  const work = new RequestWork(
    plantedBegin(plant, calls, requests, new LastLook(plans, file, rule, clock), file, suppressions, clock),
    new RunStep(
      requests,
      new EraseStep(requests, file, calls, new PrepareErasure(file, late, rules, connected, calls), clock),
      new EraseOwnStep(requests, file, erasure, rules, clock),
      new ReadStep(requests, file, calls, packages),
    ),
    new RunAftercare(requests, file, reasons, new EraseOwnGroup(requests, files, erasure), clock),
    new SendAnswer(requests, answers, packages, new ports.WorldCertificates()),
    new RequestEnds(
      stop,
      new EndCaseFile(requests, files, rules, { remove: async () => undefined } as never, clock),
      {} as never,
    ),
  );
  const tenants = { get: async () => ({ id: TENANT, name: 'Shop', territory: 'DE-BE', timeZone: 'Europe/Berlin' }) };
  const groups = new KeptGroupsProjection();
  const caughtUp = async (_: unknown, __: unknown, position: number): Promise<boolean> => {
    const from = ledger.cursors.get(groups.name) ?? 0;
    await groups.apply(ledger.log.slice(from, position + 1), async (statement) => ledger.query(statement) as never);
    ledger.cursors.set(groups.name, Math.max(from, position + 1));
    return true;
  };
  const held = new ResumeHeld(new KeptGroups(database), database, { caughtUp } as never, clock);
  return {
    ...{ machine, file, requests },
    registrations: registrationsOf(work),
    processes: [new RequestProcess(requests), held],
    attempting: {
      ...{ store, clock, chance: machine.chance.next, actorRef: 'system:jobs', leases: machine.leases },
      settlements: new SingleSettlements(machine),
    },
    open: new OpenRequestHandler(requests, subjects, file, new Intake(tenants as never, clock), stop),
    identify: new IdentifySubjectHandler(requests, file, undefined as never, list, clock),
    plan: new MakePlanHandler(requests, plans, file, clock),
    approve: new ApproveRequestHandler(requests, plans, file, rule, clock),
    exclude: new ExcludeFromPlanHandler(requests, file, connected),
    course: new CourseOfRequest(requests, file, clock),
    tasks: new ManualTasks(requests, file, rule, database, clock),
  };
}

function registrationsOf(work: RequestWork): Map<string, Registration> {
  const all = new Map<string, Registration>();
  const handle: JobWorker['handle'] = (queue, options, handler) => void all.set(queue, register(options, handler));
  work.register({ handle } as JobWorker);
  return all;
}

/** Claims what a real worker would, and starts it; resolves with the attempts under way. */
export async function claim({ machine, registrations, attempting }: Engine): Promise<Promise<void>[]> {
  const claimed = await claimJobs(machine.database, {
    ...{ tenant: TENANT, now: machine.clock.now(), capacity: 4 },
    slots: new Map([...registrations].map(([queue, { concurrency }]) => [queue, concurrency])),
    leaseMs: new Map([...registrations].map(([queue, { leaseMs }]) => [queue, leaseMs])),
    limit: (queue, key) => registrations.get(queue)?.limit(key) ?? {},
  });
  return claimed.map((job) => runJob(attempting, registrations.get(job.queue)!, job));
}

/** A human of the office, or the clerk who takes letters in. */
export function caller(name: string, idempotencyKey?: string): Caller {
  const by = new Caller({
    ...{ kind: 'human', id: name, humanId: name, tenant: TENANT, mode: 'test', scopes: [], actorRef: `member:${name}` },
    vouched: true,
    roles: ['privacy-officer'],
  });
  if (idempotencyKey !== undefined)
    by.idempotency = { key: Buffer.from(idempotencyKey), fingerprint: Buffer.from('same') };
  return by;
}
