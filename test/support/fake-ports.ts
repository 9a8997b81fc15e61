/** What the request engine asks of its neighbours, in memory. */
import { newId, type SubjectId, type TenantId } from '#kernel';
import type { People } from '#subjects';
import { packagePartsMissing } from '../../libs/requests/src/package/package.errors.js';
import type { DutyFact, HoldFact } from '../../libs/requests/src/plan/decision.js';
import {
  PackageBuilder,
  type AnswerWriter,
  type CertificateIssuer,
  type StepRecords,
  type WithdrawalPort,
} from '../../libs/requests/src/ports.js';
import type { RequestState, StepState } from '../../libs/requests/src/request-state.js';
import { fact } from '../../libs/requests/src/request.js';
import { ConnectedSystems, KeepingRules } from '../../libs/requests/src/step/connected-systems.js';
import { FakeErasure } from './fake-erasure.js';
import { fakeCalls, type FakeSystem } from './fake-systems.js';
import type { SubjectsFixture } from './subjects-fixture.js';

export class FakeRules extends KeepingRules {
  /** By `system/dataset`. */
  readonly holds = new Map<string, HoldFact>();
  readonly duties = new Map<string, DutyFact>();
  /** Holds on everything of a person. */
  readonly holdsOn = new Map<SubjectId, HoldFact>();
  /** Whom a hold names that covers nothing here. */
  readonly named = new Set<SubjectId>();

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

export class FakeConnected extends ConnectedSystems {
  unsearched: { id: string; name: string; owner: string; why: string }[] = [];

  constructor(private readonly systems: FakeSystem[]) {
    super();
  }

  async enabled(): Promise<FakeSystem['view'][]> {
    return this.systems.map((system) => structuredClone(system.view));
  }

  async find(_: TenantId, id: string): Promise<FakeSystem['view'] | undefined> {
    return structuredClone(this.systems.find(({ view }) => view.id === id)?.view);
  }

  async unsearchable(): Promise<FakeConnected['unsearched']> {
    return this.unsearched;
  }
}

export class FakePackages extends PackageBuilder {
  /** What was read, by system, as `dataset/ref`: who takes an entry away has lost it. */
  readonly packaged = new Map<string, string[]>();

  async collect(
    _: TenantId,
    __: RequestState,
    { connectionId, records }: Pick<StepRecords, 'connectionId' | 'records'>,
  ): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    const refs: string[] = [];
    for await (const { dataset, ref } of records) {
      counts[dataset] = (counts[dataset] ?? 0) + 1;
      refs.push(`${dataset}/${ref}`);
    }
    this.packaged.set(connectionId, refs);
    return counts;
  }

  async lost(_: TenantId, { steps }: RequestState): Promise<StepState[]> {
    return steps.filter(({ connectionId, finished }) => finished && !this.packaged.has(connectionId));
  }

  async build(tenant: TenantId, state: RequestState) {
    if ((await this.lost(tenant, state)).length > 0) throw packagePartsMissing();
    const about = { requestId: state.id, packageId: newId(), manifestHash: 'hash', records: 1 };
    return [fact('PackageBuilt.v1', { ...about, expiresAt: '2026-12-01T00:00:00Z' })];
  }
}

/** Everything around an engine; `collected` is what it has asked for. */
export function fakePorts(base: SubjectsFixture, people: People, systems: FakeSystem[]) {
  const packages = new FakePackages();
  const { packaged } = packages;
  const [answered, removed]: [string[], string[]] = [[], []];
  const stopped: { subject: SubjectId; purposes: string[] }[] = [];
  const answers: AnswerWriter = {
    write: async (_, __, kind, key) => {
      if (!answered.includes(`${key}/${kind}`)) answered.push(`${key}/${kind}`);
      return [];
    },
  };
  const certificates: CertificateIssuer = { issue: async () => [] };
  const withdrawals: WithdrawalPort = {
    assertStoppable: async () => undefined,
    stop: async ({ subject, purposes }) => (stopped.push({ subject, purposes }), { stopped: 1 }),
  };
  return {
    collected: { packaged, answered, removed, stopped },
    ...{ packages, answers, certificates, withdrawals, people },
    rules: new FakeRules(),
    connected: new FakeConnected(systems),
    calls: fakeCalls(systems),
    erasure: new FakeErasure(base, people),
    office: { approvers: ['officer', 'officer2'] },
  };
}

export type FakePorts = ReturnType<typeof fakePorts>;
