/** The request engine over real databases, real keys and real jobs, with connected systems in memory. */
import { newId, TestClock, type SubjectId, type TenantId } from '#kernel';
import { jobsMigrations, JobWorker } from '#jobs';
import { Subscriptions, type EventStore } from '#ledger';
import type { Caller, Principal } from '#platform';
import { Caller as CallerClass } from '#platform';
import { EraseIdentityHandler, EraseIdentity, People, Suppressions } from '#subjects';
import { ApprovalRule } from '../../libs/requests/src/plan/approval-rule.js';
import { ApproveRequest, ApproveRequestHandler } from '../../libs/requests/src/plan/approve-request.js';
import { BeginRequest } from '../../libs/requests/src/step/begin-request.js';
import { BuildPlan } from '../../libs/requests/src/plan/build-plan.js';
import { CaseFiles } from '../../libs/requests/src/step/case-files.js';
import { CaseFile } from '../../libs/requests/src/case-file.js';
import { ConnectedSystems, KeepingRules } from '../../libs/requests/src/step/connected-systems.js';
import { CourseOfRequest } from '../../libs/requests/src/course/course-of-request.js';
import type { DutyFact, HoldFact } from '../../libs/requests/src/plan/decision.js';
import { EraseOwnStep } from '../../libs/requests/src/step/erase-own-step.js';
import { LastLook } from '../../libs/requests/src/step/last-look.js';
import { EndCaseFile } from '../../libs/requests/src/step/end-case-file.js';
import { EraseOwnGroup } from '../../libs/requests/src/step/erase-own-group.js';
import { EraseStep } from '../../libs/requests/src/step/erase-step.js';
import { ExcludeFromPlan, ExcludeFromPlanHandler } from '../../libs/requests/src/plan/exclude-from-plan.js';
import { IdentifySubject, IdentifySubjectHandler } from '../../libs/requests/src/identify/identify-subject.js';
import { PrepareErasure } from '../../libs/requests/src/step/prepare-erasure.js';
import { LateRecords } from '../../libs/requests/src/step/late-records.js';
import { MakePlan, MakePlanHandler } from '../../libs/requests/src/plan/make-plan.js';
import { ManualTasks } from '../../libs/requests/src/manual-tasks.js';
import { Intake } from '../../libs/requests/src/opening/intake.js';
import { OpenRequest, OpenRequestHandler } from '../../libs/requests/src/opening/open-request.js';
import { OwnRecords } from '../../libs/requests/src/opening/own-records.js';
import type { PlanView } from '../../libs/requests/src/plan/plan-view.js';
import { packagePartsMissing } from '../../libs/requests/src/package/package.errors.js';
import { OwnErasure } from '../../libs/requests/src/ports.js';
import { ReadRequest } from '../../libs/requests/src/reading/read-request.js';
import { ReadStep } from '../../libs/requests/src/step/read-step.js';
import type { RequestState } from '../../libs/requests/src/request-state.js';
import type { RequestView } from '../../libs/requests/src/reading/request-view.js';
import { RequestProcess } from '../../libs/requests/src/course/request.process.js';
import { RequestSummaryProjection } from '../../libs/requests/src/reading/request-summary.projection.js';
import { fact } from '../../libs/requests/src/request.js';
import { requestsMigrations } from '../../libs/requests/src/requests.migrations.js';
import { Requests } from '../../libs/requests/src/requests.js';
import { RequestEnds, RequestWork } from '../../libs/requests/src/requests.worker.js';
import { AftercareReasons } from '../../libs/requests/src/step/aftercare-reasons.js';
import { KeptGroups, KeptGroupsProjection } from '../../libs/requests/src/step/kept-groups.projection.js';
import { ResumeHeld } from '../../libs/requests/src/step/resume-held.process.js';
import { RunAftercare } from '../../libs/requests/src/step/run-aftercare.js';
import { RunStep } from '../../libs/requests/src/step/run-step.js';
import { SearchRequests } from '../../libs/requests/src/reading/search-requests.js';
import { SendAnswer } from '../../libs/requests/src/answer/send-answer.js';
import { SimilarRequests } from '../../libs/requests/src/opening/similar-requests.js';
import { StopAtOnce } from '../../libs/requests/src/course/stop-at-once.js';
import { VerificationCodes } from '../../libs/requests/src/identify/verification-codes.js';
import { fakeCalls, type FakeSystem } from './fake-systems.js';
import { openSubjects, type SubjectsFixture } from './subjects-fixture.js';

export interface Collected {
  packaged: Map<string, string[]>;
  answered: string[];
  removed: string[];
  stopped: { subject: SubjectId; purposes: string[] }[];
}

/** Databases that the tests of a file share; each test has a tenant of its own. */
export interface SharedDatabases {
  base: SubjectsFixture;
  clock: TestClock;
}

export async function openDatabases(): Promise<SharedDatabases> {
  const clock = new TestClock(new Date('2026-11-02T09:00:00Z'));
  return { clock, base: await openSubjects(clock, [...jobsMigrations, ...requestsMigrations]) };
}

/** Everything a spec of the engine needs. `as` names the human; `asBefore` writes facts as they were when files shared the person's key. */
export async function openRequests(shared: SharedDatabases, systems: FakeSystem[], { asBefore = false } = {}) {
  const { base, clock } = shared;
  clock.set(new Date('2026-11-02T09:00:00Z'));
  const tenant = await base.newTenant();
  const { keys, sealer, keyStore, identifiers, subjects, ledger, vault } = base;
  const store = asBefore ? likeBefore(base.store) : base.store;
  const collected: Collected = { packaged: new Map(), answered: [], removed: [], stopped: [] };
  const rules = new FakeRules();
  const connected = new FakeConnected(systems);
  const people = new People(ledger.database, sealer);
  const file = new CaseFile(sealer, keys);
  const requests = new Requests(store);
  const own = new OwnRecords(subjects, people);
  const calls = fakeCalls(systems);
  const plans = new BuildPlan(connected, calls, rules, own, file);
  const erasure = new Erasure(base, people);
  const packages = {
    collect: async (
      _: TenantId,
      __: unknown,
      step: { connectionId: string; records: AsyncIterable<{ dataset: string; ref: string }> },
    ) => {
      const counts: Record<string, number> = {};
      const refs: string[] = [];
      for await (const { dataset, ref } of step.records) {
        counts[dataset] = (counts[dataset] ?? 0) + 1;
        refs.push(`${dataset}/${ref}`);
      }
      collected.packaged.set(step.connectionId, refs);
      return counts;
    },
    lost: async (_: TenantId, { steps }: RequestState) =>
      steps.filter(({ connectionId, finished }) => finished && !collected.packaged.has(connectionId)),
    build: async (tenant: TenantId, state: RequestState) => {
      if ((await packages.lost(tenant, state)).length > 0) throw packagePartsMissing();
      return [
        fact('PackageBuilt.v1', {
          requestId: state.id,
          packageId: newId(),
          manifestHash: 'hash',
          records: 1,
          expiresAt: '2026-12-01T00:00:00Z',
        }),
      ];
    },
  };
  const answers = {
    write: async (_: TenantId, __: { id: string }, kind: string, key: string) => {
      if (!collected.answered.includes(`${key}/${kind}`)) collected.answered.push(`${key}/${kind}`);
      return [];
    },
  };
  const certificates = { issue: async () => [] };
  const stop = new StopAtOnce(requests, file, own, {
    assertStoppable: async () => undefined,
    stop: async ({ subject, purposes }) => (collected.stopped.push({ subject, purposes }), { stopped: 1 }),
  });
  const subscriptions = new Subscriptions(
    store,
    async () => [tenant],
    () => undefined,
  );
  const files = new CaseFiles(requests, subscriptions, erasure, file, own);
  const reasons = new AftercareReasons(connected, calls, rules, files);
  const office = { approvers: ['officer', 'officer2'] };
  const rule = new ApprovalRule(
    file,
    { at: async () => 'on' },
    { own: async () => false },
    { approvers: async () => office.approvers },
  );
  const work = new RequestWork(
    new BeginRequest(
      requests,
      new LastLook(plans, file, rule, clock),
      file,
      new Suppressions(vault.database, keys, clock),
      clock,
    ),
    new RunStep(
      requests,
      new EraseStep(
        requests,
        file,
        calls,
        new PrepareErasure(file, new LateRecords(requests, plans, file, clock), rules),
        clock,
      ),
      new EraseOwnStep(requests, file, erasure, rules, clock),
      new ReadStep(requests, file, calls, packages),
    ),
    new RunAftercare(requests, file, reasons, new EraseOwnGroup(requests, files, erasure), clock),
    new SendAnswer(requests, answers, packages, certificates),
    new RequestEnds(
      stop,
      new EndCaseFile(
        requests,
        files,
        rules,
        { remove: async ({ requestId }: { requestId: string }) => void collected.removed.push(requestId) } as never,
        clock,
      ),
      {} as never,
    ),
  );
  const worker = new JobWorker(store, clock, { pollMs: 10, chance: () => 0 });
  work.register(worker);
  subscriptions.process(new RequestProcess(requests));
  subscriptions.process(new ResumeHeld(new KeptGroups(ledger.database), ledger.database, subscriptions, clock));
  subscriptions.project(new RequestSummaryProjection());
  subscriptions.project(new KeptGroupsProjection());
  subscriptions.start();
  worker.start();
  const codes = new VerificationCodes(ledger.database, keys, clock);
  const tenants = {
    get: async () => ({
      id: tenant,
      name: 'Shop',
      mode: 'test' as const,
      territory: 'DE-BE',
      timeZone: 'Europe/Berlin',
      logId: tenant,
    }),
  };
  const intake = new Intake(tenants as never, clock);
  const open = new OpenRequestHandler(requests, subjects, file, intake, stop);
  const identify = new IdentifySubjectHandler(requests, file, codes, new SimilarRequests(ledger.database), clock);
  const plan = new MakePlanHandler(requests, plans, file, clock);
  const approve = new ApproveRequestHandler(requests, plans, file, rule, clock);
  const exclude = new ExcludeFromPlanHandler(requests, file);
  const list = new SearchRequests(ledger.database, subjects, keys);
  const reads = new ReadRequest(requests, file, clock);
  const by = (name: string, kind: 'human' | 'system' = 'human'): Caller => {
    const principal: Principal = {
      kind,
      id: name,
      tenant,
      mode: 'test',
      roles: kind === 'human' ? ['privacy-officer'] : ['system'],
      scopes: [],
      actorRef: `member:${name}`,
      ...(kind === 'human' ? { humanId: name, vouched: true } : {}),
    };
    return new CallerClass(principal);
  };
  const until = async (
    id: string,
    reached: (view: RequestView) => boolean,
    milliseconds = 25_000,
  ): Promise<RequestView> => {
    const end = Date.now() + milliseconds;
    for (;;) {
      const view = await reads.request(by('reader'), id);
      if (reached(view) || Date.now() > end) return view;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return {
    ...{
      base,
      tenant,
      clock,
      store,
      requests,
      file,
      subjects,
      people,
      keyStore,
      identifiers,
      worker,
      subscriptions,
      rules,
      erasure,
      connected,
      collected,
      codes,
      office,
      by,
      until,
    },
    tasks: new ManualTasks(requests, file, rule, ledger.database, clock),
    course: new CourseOfRequest(requests, file, clock),
    search: (filter: Parameters<SearchRequests['page']>[1]): ReturnType<SearchRequests['page']> =>
      list.page(by('reader'), filter),
    view: (id: string): Promise<RequestView> => reads.request(by('reader'), id),
    planOf: (id: string): Promise<PlanView> => reads.plan(by('reader'), id),
    open: (type: string, value: string, extra: object = {}) =>
      open.execute(
        new OpenRequest(by('clerk'), {
          type,
          regimes: ['eu-gdpr'],
          subject: { identifiers: [{ type: 'email', value }] },
          channel: 'letter',
          ...extra,
        }),
      ),
    attest: (id: string, type: string, value: string) =>
      identify.execute(new IdentifySubject(by('officer'), id, { identifier: { type, value }, method: 'attest' })),
    prove: (id: string, value: string, code: string) =>
      identify.execute(
        new IdentifySubject(by('officer'), id, { identifier: { type: 'email', value }, method: 'code', code }),
      ),
    plan: (id: string) => plan.execute(new MakePlan(by('officer'), id, {})),
    approve: (id: string, planHash: string, name: string, kind: 'human' | 'system' = 'human') =>
      approve.execute(new ApproveRequest(by(name, kind), id, { planHash })),
    exclude: (id: string, body: { connectionId: string; dataset?: string; identifierType?: string; ref?: string }) =>
      exclude.execute(new ExcludeFromPlan(by('officer'), id, { ...body, reason: 'another household member' })),
    close: async () => {
      await worker.stop(500);
      await subscriptions.stop();
      await store.drained();
    },
  };
}

export type RequestsFixture = Awaited<ReturnType<typeof openRequests>>;

/** Leaves out of the facts what they did not say then. */
function likeBefore(store: EventStore): EventStore {
  const append: EventStore['append'] = async (one) => {
    const events = one.events.map(({ data, ...event }) => {
      const { keyHolder: _, subjects: __, ...rest } = data;
      return { ...event, data: rest };
    });
    return store.append({ ...one, events });
  };
  return Object.assign(Object.create(store) as EventStore, { append });
}

class FakeRules extends KeepingRules {
  holds = new Map<string, HoldFact>();
  duties = new Map<string, DutyFact>();
  /** Holds on everything of a person. */
  holdsOn = new Map<SubjectId, HoldFact>();
  /** Whom a hold names that covers nothing here. */
  named = new Set<SubjectId>();

  async isNamed(_: TenantId, people: readonly SubjectId[]): Promise<boolean> {
    return people.some((one) => this.named.has(one));
  }

  async hold(
    _: TenantId,
    { subject, connectionId, dataset }: { subject: SubjectId; connectionId: string; dataset: string },
  ): Promise<HoldFact | undefined> {
    return this.holds.get(`${connectionId}/${dataset}`) ?? this.holdsOn.get(subject);
  }

  async duty(_: TenantId, connectionId: string, dataset: string): Promise<DutyFact | undefined> {
    return this.duties.get(`${connectionId}/${dataset}`);
  }
}

class FakeConnected extends ConnectedSystems {
  unsearched: { id: string; name: string; owner: string; why: string }[] = [];

  constructor(readonly systems: FakeSystem[]) {
    super();
  }

  async enabled(): Promise<FakeSystem['view'][]> {
    return this.systems.map((system) => structuredClone(system.view));
  }

  async unsearchable(): Promise<FakeConnected['unsearched']> {
    return this.unsearched;
  }
}

class Erasure extends OwnErasure {
  /** Ends its caller right after the next erasure of this kind, once. */
  crashesAfter: Parameters<OwnErasure['erase']>[2][number] | undefined;
  /** Whose stops were asked for, in turn. */
  readonly remembered: SubjectId[] = [];
  private readonly handler: EraseIdentityHandler;

  constructor(
    private readonly base: SubjectsFixture,
    people: People,
  ) {
    super();
    this.handler = new EraseIdentityHandler(base.store, base.keyStore, base.identifiers, people);
  }

  async erase(tenant: TenantId, subject: SubjectId, classes: Parameters<OwnErasure['erase']>[2]): Promise<void> {
    await this.handler.execute(new EraseIdentity({ tenant, actorRef: 'system:requests' } as never, subject, classes));
    if (this.crashesAfter === undefined || !classes.includes(this.crashesAfter)) return;
    this.crashesAfter = undefined;
    throw new Error('the process ends here');
  }

  async eraseFile(tenant: TenantId, keyHolder: SubjectId): Promise<void> {
    await this.base.keyStore.shred(tenant, keyHolder, ['case']);
  }

  override async remember(_tenant: TenantId, subject: SubjectId): Promise<{ count: number; until: string }> {
    this.remembered.push(subject);
    return { count: 1, until: '2036-11-02' };
  }

  async isReadable(tenant: TenantId, subject: SubjectId): Promise<boolean> {
    return 'key' in (await this.base.keyStore.find(tenant, subject, 'identity'));
  }

  async horizon(): Promise<null> {
    return null;
  }
}
