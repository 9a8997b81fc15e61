/** A retention plan: which datasets lose which records from before which date. The approval binds its hash. Pure. */
import { createHash } from 'node:crypto';
import { canonicalize } from '#kernel';
import type { CivilDate } from '#law';
import type { RetentionAction, RetentionRule } from '../retention-systems.js';

/** What one policy would do. Counts and versions only; it stands in the ledger as it is. */
export type PlannedItem = {
  policyId: string;
  policyVersion: number;
  connectionId: string;
  dataset: string;
  ruleId: string;
  action: RetentionAction;
  before: CivilDate;
  /** Fields nulled by `strip`. */
  fields: string[];
  pluginId: string;
  pluginVersion: string;
  contentHash: string;
  configVersion: number;
  schemaHash: string;
  /** Due records that would go. */
  count: number;
  /** How many may be there at approval without asking again. */
  band: { from: number; to: number };
  /** Due records that stay, because somebody keeps them. */
  held: number;
  /** What keeps them, e.g. `hold:<id>`. */
  heldBy: string[];
  /** There are more due records than one plan takes: plan again afterwards. */
  more: boolean;
};

/** Why a policy can't run now. `hold:<id>` in `heldBy` when a hold on the whole dataset stops it. */
export type PlanBlock = {
  policyId: string;
  connectionId: string;
  dataset: string;
  code: string;
  heldBy: string[];
};

/** The open part of a plan. */
export type PlanHead = { today: CivilDate; items: PlannedItem[]; blocked: PlanBlock[] };

/** How long a plan may wait for approval. */
export const PLAN_TTL_MS = 72 * 3_600_000;
/** Records a batch takes: small enough that a crash repeats little. */
export const BATCH_SIZE = 200;
/** Due records of one policy in one plan; what is beyond comes with the next. */
export const MOST_RECORDS = 100_000;
/** Policies in one plan: all of them stand in one leaf. */
export const MOST_POLICIES = 60;

/** ±20 %, at least 5 either way: rows come and go in a running shop. */
export function bandOf(count: number): { from: number; to: number } {
  const slack = Math.max(5, Math.ceil(count * 0.2));
  return { from: Math.max(0, count - slack), to: count + slack };
}

export function ruleOf({ ruleId, dataset, before, action, fields }: PlannedItem): RetentionRule {
  return { ruleId, dataset, before, action, ...(action === 'strip' ? { fields } : {}) };
}

const MOST_NAMES = 20;

/** At most twenty names, since they stand in a leaf; the rest as their number and hash, so that a change still shows. */
export function keepersNamed(by: readonly string[]): string[] {
  if (by.length <= MOST_NAMES) return [...by];
  const rest = by.slice(MOST_NAMES);
  return [
    ...by.slice(0, MOST_NAMES),
    `others:${rest.length}:${createHash('sha256').update(rest.join()).digest('hex')}`,
  ];
}

/**
 * SHA-256 (hex) over the canonical plan and, for each item, a keyed digest of the references to its records: the hash
 * names these records, and says nothing about them to who lacks the key.
 */
export function planHash(head: PlanHead, refDigests: readonly string[]): string {
  return createHash('sha256')
    .update(canonicalize({ v: 1, ...head, refs: [...refDigests] }))
    .digest('hex');
}

/** What is new since the plan was made; a stable code with its policy. */
export type PlanChange = { code: string; policyId: string };

/** What the plan does not cover. Empty: it still says what would be done; more or fewer records inside the band are covered. */
export function planChanges(approved: PlanHead, fresh: PlanHead): PlanChange[] {
  const changes = fresh.items.flatMap((item) => {
    const before = approved.items.find((one) => one.policyId === item.policyId);
    return (before ? itemChanges(before, item) : ['item-new']).map((code) => ({ code, policyId: item.policyId }));
  });
  for (const { policyId, code } of fresh.blocked)
    if (!approved.blocked.some((one) => one.policyId === policyId && one.code === code))
      changes.push({ code: 'blocked-new', policyId });
  for (const { policyId } of approved.items)
    if (![...fresh.items, ...fresh.blocked].some((one) => one.policyId === policyId))
      changes.push({ code: 'policy-gone', policyId });
  return changes;
}

function itemChanges(approved: PlannedItem, fresh: PlannedItem): string[] {
  const codes = bindingChanges(approved, fresh);
  if (fresh.before !== approved.before) codes.push('cut-off-changed');
  if (fresh.heldBy.join() !== approved.heldBy.join()) codes.push('hold-changed');
  if (fresh.count < approved.band.from || fresh.count > approved.band.to) codes.push('count-outside-band');
  return codes;
}

/** The versions an approval binds: a policy, plugin, table map or schema that nobody approved runs nothing. */
export function bindingChanges(approved: Pick<PlannedItem, Bound>, fresh: Pick<PlannedItem, Bound>): string[] {
  const codes: string[] = [];
  if (approved.policyVersion !== fresh.policyVersion) codes.push('policy-changed');
  if (approved.pluginId !== fresh.pluginId || approved.pluginVersion !== fresh.pluginVersion)
    codes.push('plugin-changed');
  else if (approved.contentHash !== fresh.contentHash) codes.push('plugin-changed');
  if (approved.configVersion !== fresh.configVersion) codes.push('table-map-changed');
  if (approved.schemaHash !== fresh.schemaHash) codes.push('schema-changed');
  return codes;
}

type Bound = 'policyVersion' | 'pluginId' | 'pluginVersion' | 'contentHash' | 'configVersion' | 'schemaHash';
