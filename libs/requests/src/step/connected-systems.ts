/** What the engine asks of #connectors and #retention, as ports: a spec hands in fakes, the module binds the real ones. */
import type { Json, SubjectId, TenantId } from '#kernel';
import type {
  CallAbout,
  DataRecord,
  Dataset,
  Horizon,
  Item,
  Located,
  Op,
  Outcome,
  TakenBack,
  Target,
  Verification,
} from './connected.js';
import type { DutyFact, HoldFact } from '../plan/decision.js';

/** An enabled connection as a plan needs it. */
export interface ConnectedSystem {
  id: string;
  name: string;
  pluginId: string;
  pluginVersion: string;
  contentHash: string;
  configVersion: number;
  role: string;
  legalEntity: string;
  country: string;
  datasets: Dataset[];
  isolation: string;
  /** False: it cannot be searched when a plan is made; its declared datasets are planned, uncounted. */
  searched?: boolean;
  status: string;
}

/** A registered system without a connector: named in every plan, and a task for a human. */
export interface UnsearchableSystem {
  id: string;
  name: string;
  owner: string;
  why: string;
}

export abstract class ConnectedSystems {
  abstract enabled(tenant: TenantId): Promise<ConnectedSystem[]>;
  /** One of them, whatever has become of the others; undefined when it is not enabled. */
  abstract find(tenant: TenantId, connectionId: string): Promise<ConnectedSystem | undefined>;
  abstract unsearchable(tenant: TenantId): Promise<UnsearchableSystem[]>;
}

export interface CallOptions {
  signal?: AbortSignal;
  deadline?: Date;
  /** For systems whose work is a task of their own. */
  about?: CallAbout;
  /** Revision of the connection the plan was made on; what serves now when absent. */
  configVersion?: number;
}

/** Calls into a connection. Errors carry `fail: Fail`; an answer outside the contract is one too. */
export abstract class SystemCalls {
  abstract locate(tenant: TenantId, connectionId: string, items: Item[], options?: CallOptions): AsyncIterable<Located>;
  abstract read(
    tenant: TenantId,
    connectionId: string,
    items: Item[],
    at: Located[],
    options?: CallOptions,
  ): AsyncIterable<DataRecord>;
  abstract apply(
    tenant: TenantId,
    connectionId: string,
    op: Op,
    items: Item[],
    at: Target[],
    options?: CallOptions,
  ): AsyncIterable<Outcome>;
  /** How pending work stands, for the targets that are pending; fails with `operation-unsupported` when it cannot be asked. */
  abstract poll(
    tenant: TenantId,
    connectionId: string,
    handle: Json,
    at: Target[],
    options?: CallOptions,
  ): AsyncIterable<Outcome>;
  /** Takes an `apply` back that nobody has begun, by its item's key; answers for each of these targets of it. */
  withdraw(_tenant: TenantId, _connectionId: string, _itemKey: string, at: Target[]): Promise<TakenBack[]> {
    return Promise.resolve(at.map(() => 'unknown'));
  }
  abstract verify(
    tenant: TenantId,
    connectionId: string,
    items: Item[],
    at: Target[],
    options?: CallOptions,
  ): AsyncIterable<Verification>;
  abstract horizon(tenant: TenantId, connectionId: string, options?: CallOptions): AsyncIterable<Horizon>;
}

/** Holds and duties that keep records; implemented over #retention. */
export abstract class KeepingRules {
  /** The hold that covers this person's records in the dataset; the strongest when several do. */
  abstract hold(
    tenant: TenantId,
    about: { subject: SubjectId; connectionId: string; dataset: string },
  ): Promise<HoldFact | undefined>;
  /** True while a hold in force names one of these people, whatever it covers: its words are sealed under her key. */
  abstract isNamed(tenant: TenantId, people: readonly SubjectId[]): Promise<boolean>;
  abstract duty(tenant: TenantId, connectionId: string, dataset: string): Promise<DutyFact | undefined>;
}
