/** What retention asks of connected systems, as a port: the server binds it over the connectors, a spec hands in rows. */
import type { TenantId } from '#kernel';
import type { CivilDate } from '#law';

/** What a retention run may do to a record. */
export type RetentionAction = 'erase' | 'anonymise' | 'strip';

/** Records of `dataset` dated before `before` (exclusive) are due. `ruleId` comes back in outcomes, untouched. */
export interface RetentionRule {
  ruleId: string;
  dataset: string;
  before: CivilDate;
  action: RetentionAction;
  fields?: string[];
}

/** A dataset as its connector declares it. */
export interface RetentionDataset {
  name: string;
  /** The date a period counts from; without it nothing can be said to be due. */
  clockField?: string;
  fields: { name: string }[];
  schemaHash: string;
}

/** A connection, with the versions an approval binds. `silent`: enabled, and its plugin did not answer just now. */
export interface RetentionSystem {
  id: string;
  pluginId: string;
  pluginVersion: string;
  contentHash: string;
  configVersion: number;
  datasets: RetentionDataset[];
  status: 'ready' | 'silent' | 'disabled';
}

/** A due record. */
export interface DueRecord {
  dataset: string;
  ref: string;
}

/** A person a connector is asked about. */
export interface PersonAsked {
  itemKey: string;
  generation: number;
  ids: { type: string; value: string; strength: 'verified' | 'derived' }[];
}

/** A record of that person, with the identifiers that stand in it. */
export interface PersonRecord {
  dataset: string;
  ref: string;
  found?: { type: string; value: string; strength: 'identifying' | 'candidate' }[];
  blockedBy?: string;
}

/** A due record with what is to be done; `itemKey` is the same for every attempt. */
export interface RetentionTarget extends DueRecord {
  itemKey: string;
  count: number;
  action: RetentionAction;
  ruleId: string;
  fields?: string[];
}

/** What became of a target; without `ref` it speaks for all of its dataset. */
export interface TargetOutcome {
  dataset: string;
  ref?: string;
  kind: string;
  note?: string;
  retryable?: boolean;
  error?: { code: string };
}

/** What a second reading found. */
export type TargetVerification = { dataset: string; kind: 'clean' } | { dataset: string; kind: 'residue'; ref: string };

export interface RetentionCallOptions {
  signal?: AbortSignal;
}

/** `scan`, `locate` and `verify` write nothing. A failed call throws an error with `fail: {class, code}`. */
export abstract class RetentionSystems {
  /** Every enabled connection. */
  abstract enabled(tenant: TenantId): Promise<RetentionSystem[]>;
  /** One connection, enabled or not; undefined when it is unknown or has no connector, silent after `withinMs`. */
  abstract find(tenant: TenantId, connectionId: string, withinMs?: number): Promise<RetentionSystem | undefined>;
  /** True for every connection and every registered system without a connector. */
  abstract known(tenant: TenantId, connectionId: string): Promise<boolean>;
  abstract scan(
    tenant: TenantId,
    connectionId: string,
    rule: RetentionRule,
    options?: RetentionCallOptions,
  ): AsyncIterable<DueRecord>;
  abstract locate(
    tenant: TenantId,
    connectionId: string,
    people: PersonAsked[],
    options?: RetentionCallOptions,
  ): AsyncIterable<PersonRecord>;
  abstract apply(
    tenant: TenantId,
    connectionId: string,
    rule: RetentionRule,
    targets: RetentionTarget[],
    options?: RetentionCallOptions,
  ): AsyncIterable<TargetOutcome>;
  abstract verify(
    tenant: TenantId,
    connectionId: string,
    targets: RetentionTarget[],
    options?: RetentionCallOptions,
  ): AsyncIterable<TargetVerification>;
}

/** How a call failed, by stable code; never its message. `again` says whether trying again may help. */
export function failureOf(error: unknown): { code: string; again: boolean } {
  const fail = (error as { fail?: { class?: unknown; code?: unknown } } | null)?.fail;
  const code = typeof fail?.code === 'string' && /^[a-z0-9-]{1,64}$/.test(fail.code) ? fail.code : 'no-answer';
  return { code, again: fail === undefined || fail.class === 'transient' || fail.class === 'rate-limit' };
}
