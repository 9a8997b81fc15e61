/** What the policies would do today: every connection is scanned, held records are left out, nothing is written anywhere. */
import { Injectable } from '@nestjs/common';
import type { TenantId } from '#kernel';
import type { CivilDate } from '#law';
import { KeyProvider } from '#platform';
import { cutOff } from '../cut-off.js';
import { HeldRecords, type HeldNow } from '../hold/held-records.js';
import { ruleIdOf, type Policy } from '../policy.js';
import { RetentionRules } from '../retention-rules.js';
import {
  bandOf,
  BATCH_SIZE,
  keepersNamed,
  MOST_RECORDS,
  planHash,
  ruleOf,
  type PlanBlock,
  type PlanHead,
  type PlannedItem,
} from './retention-plan.js';
import { failureOf, RetentionSystems, type RetentionSystem, type RetentionTarget } from '../retention-systems.js';

/** A plan before it is recorded. `refs`: the records of each item, in its order. */
export interface PlanDraft {
  head: PlanHead;
  refs: string[][];
  hash: string;
}

type ItemDraft = { item: PlannedItem; refs: string[] } | { block: PlanBlock };

@Injectable()
export class DraftPlan {
  constructor(
    private readonly rules: RetentionRules,
    private readonly held: HeldRecords,
    private readonly systems: RetentionSystems,
    private readonly keys: KeyProvider,
  ) {}

  /** @param chosen ids of policies; all when undefined. Ids without a policy are left out. */
  async draft(tenant: TenantId, chosen: readonly string[] | undefined, today: CivilDate): Promise<PlanDraft> {
    const policies = await this.rules.policies(tenant);
    const held = await this.held.now(tenant);
    const head: PlanHead = { today, items: [], blocked: [] };
    const refs: string[][] = [];
    for (const policy of policies.filter(({ id }) => chosen?.includes(id) ?? true)) {
      const drafted = await this.item(tenant, policy, policies, held, today);
      if ('block' in drafted) head.blocked.push(drafted.block);
      else {
        head.items.push(drafted.item);
        refs.push(drafted.refs);
      }
    }
    const digests = refs.map((list) => this.keys.mac(tenant, 'item', JSON.stringify([...list].sort())).toString('hex'));
    return { head, refs, hash: planHash(head, digests) };
  }

  private async item(
    tenant: TenantId,
    policy: Policy,
    policies: readonly Policy[],
    held: HeldNow,
    today: CivilDate,
  ): Promise<ItemDraft> {
    const { connectionId, dataset } = policy;
    const blocked = (code: string, heldBy: string[] = []): ItemDraft => ({
      block: { policyId: policy.id, connectionId, dataset, code, heldBy },
    });
    const others = policies.filter(
      (one) => one.id !== policy.id && one.connectionId === connectionId && one.dataset === dataset,
    );
    const cut = cutOff(policy, others, today);
    if ('blocked' in cut) return blocked(cut.blocked);
    const system = await this.systems.find(tenant, connectionId);
    const bound = bindingOf(policy, system);
    if (typeof bound === 'string') return blocked(bound);
    const kept = await held.in(connectionId, dataset);
    if (kept.kind === 'all') return blocked('held', keepersNamed(kept.by));
    if (kept.kind === 'unresolved') return blocked(kept.code, keepersNamed(kept.by));
    const item: PlannedItem = {
      ...{ policyId: policy.id, connectionId, dataset, ruleId: ruleIdOf(policy), action: policy.action },
      ...{ before: cut.before, fields: policy.action === 'strip' ? policy.stripFields : [], ...bound },
      ...{ count: 0, band: bandOf(0), held: 0, heldBy: keepersNamed(kept.by), more: false },
    };
    try {
      const due = await this.due(tenant, item, kept.refs);
      return { item: { ...item, ...due.counts }, refs: due.refs };
    } catch (error) {
      return blocked(failureOf(error).code);
    }
  }

  private async due(
    tenant: TenantId,
    item: PlannedItem,
    kept: ReadonlySet<string>,
  ): Promise<{ refs: string[]; counts: Pick<PlannedItem, 'count' | 'band' | 'held' | 'more'> }> {
    const refs = new Set<string>();
    let held = 0;
    let more = false;
    for await (const { ref } of this.systems.scan(tenant, item.connectionId, ruleOf(item))) {
      if (kept.has(ref)) held += 1;
      else if (refs.size < MOST_RECORDS) refs.add(ref);
      else more = true;
      if (more) break;
    }
    const open = item.action === 'erase' ? [...refs] : await this.unchanged(tenant, item, [...refs]);
    return { refs: open, counts: { count: open.length, band: bandOf(open.length), held, more } };
  }

  /** A record that stays remains due for ever: those that were changed already are left out, by reading them. */
  private async unchanged(tenant: TenantId, item: PlannedItem, refs: string[]): Promise<string[]> {
    const open = new Set<string>();
    for (let start = 0; start < refs.length; start += BATCH_SIZE) {
      const targets = targetsOf(item, refs.slice(start, start + BATCH_SIZE), 'plan');
      for await (const one of this.systems.verify(tenant, item.connectionId, targets))
        if (one.kind === 'residue' && one.dataset === item.dataset) open.add(one.ref);
    }
    return refs.filter((ref) => open.has(ref));
  }
}

/** What an approval binds, or why the policy can't run on this connection. */
export function bindingOf(
  policy: Policy,
  system: RetentionSystem | undefined,
):
  | Pick<PlannedItem, 'policyVersion' | 'pluginId' | 'pluginVersion' | 'contentHash' | 'configVersion' | 'schemaHash'>
  | string {
  if (!system) return 'connection-unknown';
  if (system.status !== 'ready') return system.status === 'silent' ? 'system-silent' : 'connection-disabled';
  const dataset = system.datasets.find(({ name }) => name === policy.dataset);
  if (!dataset) return 'dataset-unknown';
  if (dataset.clockField === undefined) return 'dataset-without-date';
  const { pluginId, pluginVersion, contentHash, configVersion } = system;
  const { schemaHash } = dataset;
  return { policyVersion: policy.version, pluginId, pluginVersion, contentHash, configVersion, schemaHash };
}

/** Targets of one call under one item key. */
export function targetsOf(item: PlannedItem, refs: readonly string[], itemKey: string): RetentionTarget[] {
  const { dataset, action, ruleId, fields } = item;
  return refs.map((ref) => ({
    ...{ itemKey, dataset, ref, count: 1, action, ruleId },
    ...(action === 'strip' ? { fields } : {}),
  }));
}
