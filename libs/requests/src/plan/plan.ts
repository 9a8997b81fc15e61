/** A plan: what would be done to which records, on what ground. The approval binds its hash, not the row count. Pure. */
import { createHash } from 'node:crypto';
import { canonicalize } from '#kernel';
import type { CivilDate } from '#law';
import type { PlannedAction } from './decision.js';

/** Records of a dataset with the same decision. `band`: how many may be there at the first write without asking again. */
export type PlannedDecision = {
  action: PlannedAction;
  kind: 'ground-met' | 'not-met' | 'exception';
  /** Rule of the ground or exception, or `not-met:<why>`. */
  ruleId: string;
  citation: string | null;
  /** Earliest and latest last day of keeping among the records; null when unknown or not kept. */
  untilFrom: CivilDate | null;
  untilTo: CivilDate | null;
  reviewOn: CivilDate | null;
  /** Fields nulled although the record stays. */
  fields: string[];
  count: number;
  band: { from: number; to: number };
};

export type PlannedDataset = {
  name: string;
  title: string;
  categories: string[];
  schemaHash: string;
  decisions: PlannedDecision[];
  /** Records that share a value but are somebody else's, or were excluded: shown, never touched. */
  leftAlone: number;
  /** False: declared and not searched; the count is not known. */
  searched?: boolean;
};

export type PlannedSystem = {
  connectionId: string;
  name: string;
  pluginId: string;
  pluginVersion: string;
  contentHash: string;
  /** Version of the connection's configuration with its table map. */
  configVersion: number;
  role: string;
  legalEntity: string;
  country: string;
  isolation: string;
  datasets: PlannedDataset[];
};

export type Blocker = { code: string; connectionId: string; dataset: string | null; count: number };

/** The open part: counts, rules and versions; free of personal data, it stands in the ledger as it is. */
export type PlanHead = {
  type: 'access' | 'erasure';
  ground: string;
  systems: PlannedSystem[];
  blockers: Blocker[];
  unsearched: { id: string; name: string; owner: string; why: string }[];
  /** Identifiers by strength. */
  identifiers: { verified: number; derived: number };
  exclusions: string[];
};

/** Where a derived identifier was read: the chain that hands on verification. */
export type Edge = { connectionId: string; dataset: string; ref: string; depth: number };

export type PlannedIdentifier = {
  type: string;
  value: string;
  strength: 'verified' | 'derived';
  mac: string;
  edge: Edge | null;
};

/** A record or value an officer should look at. */
export type Doubt = { connectionId: string; dataset: string; ref: string; reason: string };

/** The sealed part. */
export type PlanDetails = {
  identifiers: PlannedIdentifier[];
  /** Ids of the person here, every alias. */
  subjects: string[];
  doubts: Doubt[];
  candidates: { type: string; value: string; connectionId: string; dataset: string }[];
};

/** How long a plan may wait for approval. */
export const PLAN_TTL_MS = 72 * 3_600_000;

/** ±20 %, at least 5 either way: rows come and go in a running shop. */
export function bandOf(count: number): { from: number; to: number } {
  const slack = Math.max(5, Math.ceil(count * 0.2));
  return { from: Math.max(0, count - slack), to: count + slack };
}

/**
 * SHA-256 (hex) over the canonical decision: systems with versions and schema, datasets, actions, grounds, bands, blockers, exclusions,
 * unsearched systems, and the identifiers as keyed hashes. Counts and dates of single rows are not in it (rule 12 of practice).
 */
export function planHash(head: PlanHead, identifierMacs: readonly string[]): string {
  const systems = head.systems.map(({ name: _, isolation: __, datasets, ...system }) => ({
    ...system,
    datasets: datasets.map(({ name, schemaHash, decisions }) => ({
      name,
      schemaHash,
      decisions: decisions.map(boundOf),
    })),
  }));
  const { type, ground, blockers, exclusions, unsearched } = head;
  const bound = {
    v: 1,
    type,
    ground,
    systems,
    blockers: blockers.map(blockerName),
    exclusions,
    unsearched: unsearched.map((one) => one.id),
    identifiers: [...identifierMacs].sort(),
  };
  return createHash('sha256').update(canonicalize(bound)).digest('hex');
}

function boundOf({ action, kind, ruleId, citation, fields, band }: PlannedDecision): unknown {
  return { action, kind, ruleId, citation, fields, band };
}

const blockerName = ({ code, connectionId, dataset }: Blocker): string => `${connectionId}/${dataset ?? ''}/${code}`;

/** What is new since the approved plan; stable codes with where. Empty: the approval still covers what is there. */
export type PlanChange = { code: string; connectionId?: string; dataset?: string };

interface Compared {
  head: PlanHead;
  macs: readonly string[];
}

/**
 * What the approved decision does not cover: anything new asks again, what is gone since does not. More rows inside the band run.
 */
export function planChanges(approved: Compared, fresh: Compared): PlanChange[] {
  const changes: PlanChange[] = [];
  const known = new Set(approved.macs);
  if (fresh.macs.some((mac) => !known.has(mac))) changes.push({ code: 'identifier-new' });
  const blocked = new Set(approved.head.blockers.map(blockerName));
  for (const one of fresh.head.blockers)
    if (!blocked.has(blockerName(one)))
      changes.push({
        code: 'blocker-new',
        connectionId: one.connectionId,
        ...(one.dataset === null ? {} : { dataset: one.dataset }),
      });
  const unsearched = new Set(approved.head.unsearched.map((one) => one.id));
  if (fresh.head.unsearched.some((one) => !unsearched.has(one.id))) changes.push({ code: 'unsearched-new' });
  if (approved.head.exclusions.join() !== fresh.head.exclusions.join()) changes.push({ code: 'exclusion-changed' });
  if (approved.head.ground !== fresh.head.ground) changes.push({ code: 'ground-changed' });
  for (const system of fresh.head.systems) changes.push(...systemChanges(approved.head, system));
  for (const system of approved.head.systems)
    if (!fresh.head.systems.some((one) => one.connectionId === system.connectionId))
      changes.push({ code: 'system-gone', connectionId: system.connectionId });
  return changes;
}

function systemChanges(approved: PlanHead, fresh: PlannedSystem): PlanChange[] {
  const { connectionId } = fresh;
  const before = approved.systems.find((one) => one.connectionId === connectionId);
  if (!before) return [{ code: 'system-new', connectionId }];
  const changes: PlanChange[] = [];
  if (
    before.pluginId !== fresh.pluginId ||
    before.pluginVersion !== fresh.pluginVersion ||
    before.contentHash !== fresh.contentHash
  )
    changes.push({ code: 'plugin-changed', connectionId });
  if (before.configVersion !== fresh.configVersion) changes.push({ code: 'table-map-changed', connectionId });
  for (const dataset of fresh.datasets) {
    const known = before.datasets.find((one) => one.name === dataset.name);
    const at = { connectionId, dataset: dataset.name };
    if (!known) changes.push({ code: 'dataset-new', ...at });
    else changes.push(...datasetChanges(known, dataset).map((code) => ({ code, ...at })));
  }
  for (const dataset of before.datasets)
    if (!fresh.datasets.some((one) => one.name === dataset.name))
      changes.push({ code: 'dataset-gone', connectionId, dataset: dataset.name });
  return changes;
}

function datasetChanges(approved: PlannedDataset, fresh: PlannedDataset): string[] {
  const codes: string[] = [];
  if (approved.schemaHash !== fresh.schemaHash) codes.push('schema-changed');
  for (const decision of fresh.decisions) {
    const covered = approved.decisions.find((one) => decisionKey(one) === decisionKey(decision));
    if (!covered) codes.push('decision-new');
    else if (decision.count < covered.band.from || decision.count > covered.band.to) codes.push('count-outside-band');
  }
  for (const decision of approved.decisions)
    if (decision.band.from > 0 && !fresh.decisions.some((one) => decisionKey(one) === decisionKey(decision)))
      codes.push('count-outside-band');
  return codes;
}

/** Two records with the same key are under the same decision. */
export function decisionKey({
  action,
  kind,
  ruleId,
  fields,
}: Pick<PlannedDecision, 'action' | 'kind' | 'ruleId' | 'fields'>): string {
  return JSON.stringify([action, kind, ruleId, fields]);
}
