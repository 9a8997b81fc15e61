/** A connected system of a retention run, in memory: its rows, what was erased, and the faults real systems have. */
import { newId, type TenantId } from '#kernel';
import {
  RetentionSystems,
  type DueRecord,
  type PersonRecord,
  type RetentionRule,
  type RetentionSystem,
  type RetentionTarget,
  type TargetOutcome,
  type TargetVerification,
} from '../../libs/retention/src/retention-systems.js';

export const CONNECTION = newId();

/** Rows in memory; `during` runs after each record was erased and may throw, hang or change the world. */
export class RetentionShop extends RetentionSystems {
  rows = new Set<string>();
  erasures: string[] = [];
  keys = new Set<string>();
  /** Before which days it was to erase. */
  days = new Set<string>();
  schemaHash = 's';
  stubborn = new Set<string>();
  during: (erased: number, signal: AbortSignal | undefined) => Promise<void> = async () => undefined;

  async enabled(): Promise<RetentionSystem[]> {
    const dataset = { name: 'orders', clockField: 'placed_on', fields: [], schemaHash: this.schemaHash };
    const versions = { pluginId: 'shop', pluginVersion: '1.0.0', contentHash: 'h', configVersion: 1 };
    return [{ id: CONNECTION, ...versions, datasets: [dataset], status: 'ready' }];
  }

  override async known(): Promise<boolean> {
    return true;
  }

  async find(): Promise<RetentionSystem | undefined> {
    return (await this.enabled())[0];
  }

  async *scan(_: TenantId, __: string, rule: RetentionRule): AsyncGenerator<DueRecord> {
    for (const ref of this.rows) yield { dataset: rule.dataset, ref };
  }

  async *locate(): AsyncGenerator<PersonRecord> {
    // Nobody is looked for here.
  }

  async *apply(
    _: TenantId,
    __: string,
    rule: RetentionRule,
    targets: RetentionTarget[],
    options?: { signal?: AbortSignal },
  ): AsyncGenerator<TargetOutcome> {
    this.days.add(rule.before);
    for (const { ref, dataset, itemKey } of targets) {
      this.keys.add(itemKey);
      const there = this.rows.has(ref);
      if (there && !this.stubborn.has(ref)) {
        this.rows.delete(ref);
        this.erasures.push(ref);
      }
      await this.during(this.erasures.length, options?.signal);
      yield { dataset, ref, kind: there ? 'erased' : 'not-found' };
    }
  }

  async *verify(_: TenantId, __: string, targets: RetentionTarget[]): AsyncGenerator<TargetVerification> {
    const still = targets.filter(({ ref }) => this.rows.has(ref));
    for (const { ref, dataset } of still) yield { dataset, kind: 'residue', ref };
    if (still.length === 0) yield { dataset: 'orders', kind: 'clean' };
  }
}
