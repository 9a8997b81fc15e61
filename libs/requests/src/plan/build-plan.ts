/** Builds a plan: locate everywhere, decide about every record, write nothing anywhere. */
import { Injectable } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import { dateInZone, type CivilDate } from '#law';
import { CaseFile, foldIdentifier } from '../case-file.js';
import type { Item, Located } from '../step/connected.js';
import { ConnectedSystems, KeepingRules, SystemCalls, type ConnectedSystem } from '../step/connected-systems.js';
import { decideRecord, IDENTITY_BLOCKERS, NOT_THEIRS, type DatasetFacts } from './decision.js';
import { exclusionsOf, isExcluded, type OpenExclusion } from './exclusion.js';
import { locatePerson, type PersonLocated, type Searched } from './locate-person.js';
import type { KeptTarget } from '../step/kept-target.js';
import { keptTarget } from '../step/kept-target.js';
import { ownSystem, type OwnTargets } from '../step/own-system.js';
import { OwnRecords, type OwnPerson } from '../opening/own-records.js';
import { decisionsOf, type Judged } from './planned-decisions.js';
import {
  planHash,
  type Blocker,
  type Doubt,
  type PlanDetails,
  type PlanHead,
  type PlannedDataset,
  type PlannedSystem,
} from './plan.js';
import type { RequestState } from '../request-state.js';
import { LETHE_ITSELF } from '../request.js';
import { notIdentified, planUnconfirmed } from '../requests.errors.js';

/** A plan before it is recorded, with the records it would act on. */
export interface PlanDraft {
  head: PlanHead;
  details: PlanDetails;
  macs: string[];
  hash: string;
  /** By connection, in the order in which the steps are numbered. */
  targets: Map<string, KeptTarget[]>;
  subjects: SubjectId[];
}

/** How long all systems together may take to be searched. */
const SEARCH_MS = 60_000;

interface Looking {
  tenant: TenantId;
  state: RequestState;
  ground: string;
  today: CivilDate;
  person: OwnPerson;
  /** Whose holds count: the person here, or the case when nobody is known. */
  subject: SubjectId;
  exclusions: OpenExclusion[];
  blockers: Map<string, Blocker>;
  doubts: Doubt[];
  targets: Map<string, KeptTarget[]>;
}

@Injectable()
export class BuildPlan {
  constructor(
    private readonly systems: ConnectedSystems,
    private readonly calls: SystemCalls,
    private readonly rules: KeepingRules,
    private readonly own: OwnRecords,
    private readonly file: CaseFile,
  ) {}

  /** Throws 409 `request-not-identified`, and 409 `plan-unconfirmed` naming every system that stayed silent. */
  async draft(tenant: TenantId, state: RequestState, ground: string, now: Date): Promise<PlanDraft> {
    const identifiers = (await this.file.identifiers(tenant, state)).filter((one) => one.strength === 'verified');
    if (identifiers.length === 0) throw notIdentified();
    const verified = identifiers.map(({ type, value }) => ({ type, value, strength: 'verified' as const, edge: null }));
    const [connected, unsearched, person, exclusions] = await Promise.all([
      this.systems.enabled(tenant),
      this.systems.unsearchable(tenant),
      this.own.personOf(tenant, verified),
      exclusionsOf(this.file, tenant, state),
    ]);
    connected.sort((one, other) => (one.id < other.id ? -1 : 1));
    const found = await this.locate(tenant, [...verified, ...person.proven], connected, exclusions, now);
    // Its datasets are what it declared earlier: nobody can say what it holds today.
    const mute = connected.filter(
      (one) => one.status === 'silent' && !found.silent.some((other) => other.connectionId === one.id),
    );
    const silent = [...found.silent, ...mute.map(({ id }) => ({ connectionId: id, code: 'no-answer' }))];
    if (silent.length > 0) throw planUnconfirmed(silent);
    const today = dateInZone(now, state.timeZone);
    const looking: Looking = {
      ...{ tenant, state, ground, today, person, exclusions },
      subject: person.subjects[0] ?? state.subjectId,
      blockers: new Map(),
      doubts: [],
      targets: new Map(),
    };
    const planned: PlannedSystem[] = [];
    for (const system of connected)
      planned.push(await this.system(looking, system, found.records.get(system.id) ?? []));
    return this.finish(looking, planned, found, unsearched);
  }

  /** One system's part as it is now, for identifiers that were approved already: what a re-drive may add. */
  async again(
    tenant: TenantId,
    state: RequestState,
    connectionId: string,
    items: Item[],
    ground: string,
    now: Date,
  ): Promise<{ targets: KeptTarget[]; system: PlannedSystem } | undefined> {
    const connected = (await this.systems.enabled(tenant)).find((one) => one.id === connectionId);
    if (!connected) return undefined;
    const records: Located[] = [];
    for await (const one of this.calls.locate(tenant, connectionId, items)) records.push(one);
    const verified = (await this.file.identifiers(tenant, state)).filter((one) => one.strength === 'verified');
    const [person, exclusions] = await Promise.all([
      this.own.personOf(tenant, verified),
      exclusionsOf(this.file, tenant, state),
    ]);
    const today = dateInZone(now, state.timeZone);
    const subject = person.subjects[0] ?? state.subjectId;
    const looking: Looking = {
      ...{ tenant, state, ground, today, person, exclusions, subject },
      blockers: new Map(),
      doubts: [],
      targets: new Map(),
    };
    const system = await this.system(looking, connected, records);
    return { targets: looking.targets.get(connectionId) ?? [], system };
  }

  private async locate(
    tenant: TenantId,
    proven: Parameters<typeof locatePerson>[0],
    connected: ConnectedSystem[],
    exclusions: OpenExclusion[],
    now: Date,
  ): Promise<PersonLocated> {
    const deadline = new Date(now.getTime() + SEARCH_MS);
    const signal = this.patience();
    const searched = connected.map(({ id }): Searched => ({
      connectionId: id,
      except: exclusions.flatMap((one) => (one.connectionId === id && one.identifierType ? [one.identifierType] : [])),
      locate: (items) => this.calls.locate(tenant, id, items, { ...(signal ? { signal } : {}), deadline }),
    }));
    return locatePerson(proven, searched, 'plan', foldIdentifier);
  }

  /** Ends a search by the machine's own time; the simulation of the engine has none. */
  protected patience(): AbortSignal | undefined {
    return AbortSignal.timeout(SEARCH_MS);
  }

  private async system(looking: Looking, system: ConnectedSystem, records: Located[]): Promise<PlannedSystem> {
    const datasets: PlannedDataset[] = [];
    const targets: KeptTarget[] = [];
    for (const dataset of system.datasets) {
      const facts = await this.facts(looking, system, dataset);
      const own = records.filter((record) => record.dataset === dataset.name);
      const judged = own.flatMap((record) => judge(looking, facts, system.id, record));
      targets.push(...judged.map(keptTarget));
      const { name, title, categories, schemaHash } = dataset;
      datasets.push({
        name,
        title,
        categories,
        schemaHash,
        decisions: decisionsOf(judged),
        leftAlone: own.length - judged.length,
        ...(system.searched === false ? { searched: false } : {}),
      });
    }
    looking.targets.set(system.id, targets);
    const { id, name, pluginId, pluginVersion, contentHash, configVersion, role, legalEntity, country, isolation } =
      system;
    return {
      connectionId: id,
      name,
      pluginId,
      pluginVersion,
      contentHash,
      configVersion,
      role,
      legalEntity,
      country,
      isolation,
      datasets,
    };
  }

  private async facts(
    looking: Looking,
    system: ConnectedSystem,
    dataset: ConnectedSystem['datasets'][number],
  ): Promise<DatasetFacts> {
    const { tenant, state, subject, ground, today, person } = looking;
    const type = state.type === 'access' ? 'access' : 'erasure';
    const about = { subject, connectionId: system.id, dataset: dataset.name };
    const keeping = type === 'erasure';
    const [hold, duty] = await Promise.all([
      keeping ? this.rules.hold(tenant, about) : undefined,
      keeping ? this.rules.duty(tenant, system.id, dataset.name) : undefined,
    ]);
    return { type, dataset, hold, duty, restricted: person.restrictedBy, ground, today };
  }

  private async finish(
    looking: Looking,
    planned: PlannedSystem[],
    found: PersonLocated,
    unsearched: PlanHead['unsearched'],
  ): Promise<PlanDraft> {
    const { tenant, state, ground, blockers, doubts, targets, person, today } = looking;
    const type = state.type === 'access' ? 'access' : 'erasure';
    const hold = await this.rules.hold(tenant, {
      subject: looking.subject,
      connectionId: LETHE_ITSELF,
      dataset: 'identity',
    });
    const own: OwnTargets = ownSystem({
      type,
      ground,
      today,
      subjects: person.subjects,
      hold: type === 'erasure' ? hold : undefined,
      keptUntil: lastKept(targets),
    });
    targets.set(LETHE_ITSELF, own.targets);
    if (person.ambiguous) block(blockers, 'ambiguous-identifier', LETHE_ITSELF, 'identity');
    for (const code of found.limits) block(blockers, code, LETHE_ITSELF, null);
    const identifiers = found.identifiers.map((one) => ({ ...one, mac: this.file.mac(tenant, one) }));
    const macs = identifiers.map((one) => one.mac).sort();
    const candidates = [
      ...found.candidates,
      ...person.claimed.map((one) => ({ ...one, connectionId: LETHE_ITSELF, dataset: 'identity' })),
    ];
    const head: PlanHead = {
      ...{ type, ground, systems: [...planned, own.system], unsearched },
      blockers: [...blockers.values()],
      identifiers: {
        verified: identifiers.filter((one) => one.strength === 'verified').length,
        derived: identifiers.filter((one) => one.strength === 'derived').length,
      },
      exclusions: state.exclusions.map((one) => one.exclusionId),
    };
    return {
      head,
      details: { identifiers, subjects: person.subjects, doubts, candidates },
      macs,
      hash: planHash(head, macs),
      targets,
      subjects: person.subjects,
    };
  }
}

function lastKept(targets: ReadonlyMap<string, KeptTarget[]>): CivilDate | null {
  const days = [...targets.values()].flat().flatMap((one) => one.until ?? []);
  return days.length === 0 ? null : days.reduce((last, day) => (day > last ? day : last));
}

/** Nothing for a record that is somebody else's, excluded, or doubtful; doubt blocks until an officer resolves it. */
function judge(looking: Looking, facts: DatasetFacts, connectionId: string, record: Located): Judged[] {
  const { dataset, ref, blockedBy } = record;
  const doubtful = blockedBy !== undefined && (blockedBy === NOT_THEIRS || IDENTITY_BLOCKERS.includes(blockedBy));
  const excluded = isExcluded(looking.exclusions, connectionId, record, doubtful);
  if (doubtful || excluded)
    looking.doubts.push({ connectionId, dataset, ref, reason: excluded ? 'excluded' : blockedBy! });
  if (excluded) return [];
  if (doubtful) {
    if (blockedBy !== NOT_THEIRS) block(looking.blockers, blockedBy, connectionId, dataset);
    return [];
  }
  return [{ record, decision: decideRecord(facts, record) }];
}

function block(blockers: Map<string, Blocker>, code: string, connectionId: string, dataset: string | null): void {
  const key = `${connectionId}/${dataset ?? ''}/${code}`;
  const known = blockers.get(key);
  blockers.set(key, { code, connectionId, dataset, count: (known?.count ?? 0) + 1 });
}
