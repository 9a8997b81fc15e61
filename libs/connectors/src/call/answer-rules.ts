/** What the host holds a plugin to beyond the shape of an answer: only what was asked, and all that was asked. */
import type { DataRecord, Item, Located, Outcome, Target, Verification } from '@lethe/plugin-sdk';
import type { HostFailureCode } from '../plugin.errors.js';

/** Names the rule that is broken; the host turns it into a failure of the plugin. */
export type Break = (code: HostFailureCode) => never;

const key = (...parts: string[]) => JSON.stringify(parts);

/** Datasets and items an answer may speak of. */
export interface Asked {
  datasets: ReadonlySet<string>;
  items: ReadonlySet<string>;
}

/** What was asked, as sets: names a plugin makes up (`constructor`, `__proto__`) find nothing there. */
export function asked(datasets: Iterable<string>, items: Item[]): Asked {
  return { datasets: new Set(datasets), items: new Set(items.map((item) => item.itemKey)) };
}

/** Refuses a dataset or an item that was not asked. */
export function mustBeAsked(answer: { itemKey: string; dataset: string }, { datasets, items }: Asked, no: Break): void {
  if (!items.has(answer.itemKey)) no('foreign-item');
  if (!datasets.has(answer.dataset)) no('foreign-dataset');
}

/** Refuses records that were not located: they may be another person's. */
export class ReadRules {
  private readonly records: Set<string>;

  constructor(
    at: Located[],
    private readonly no: Break,
  ) {
    this.records = new Set(at.map(({ itemKey, dataset, ref }) => key(itemKey, dataset, ref)));
  }

  take({ itemKey, dataset, ref }: DataRecord): void {
    if (!this.records.has(key(itemKey, dataset, ref))) this.no('foreign-record');
  }
}

/** What takes a whole record away, or leads it to nobody: too much for one that a hold or a duty keeps (GDPR 17(3)). */
const TAKES_AWAY: readonly string[] = ['erased', 'anonymised', 'detached', 'soft-deleted'] satisfies Outcome['kind'][];
/** What changes fields: too much where there is nothing to strip. */
const CHANGES: readonly string[] = ['masked', 'rectified', 'pending'] satisfies Outcome['kind'][];

/** True when more was done to a kept record than its approved plan allows. */
export function oversteps({ kind }: { kind: string }, { action, ruleId }: Pick<Target, 'action' | 'ruleId'>): boolean {
  if (action === 'retain') return TAKES_AWAY.includes(kind) || CHANGES.includes(kind);
  return action === 'strip' && ruleId !== undefined && TAKES_AWAY.includes(kind);
}

/** True when a record is said to be kept by a duty that is not its own: what keeps one keeps no other beside it. */
function citesAnother(outcome: Outcome, { ruleId }: Pick<Target, 'ruleId'>): boolean {
  return outcome.kind === 'retained' && outcome.ruleId !== ruleId;
}

function failed(
  { itemKey, dataset, ref }: Target,
  code: HostFailureCode | 'plugin-overstepped' | 'no-outcome',
): Outcome {
  const error = { class: 'bug', code } as const;
  return { itemKey, dataset, ref, count: 0, kind: 'failed', retryable: false, error };
}

/** One outcome for every target, no more and no less. */
export class OutcomeRules {
  private readonly targets = new Map<string, Target>();
  private readonly groups = new Map<string, Target[]>();
  private readonly answered = new Set<string>();

  constructor(
    private readonly at: Target[],
    private readonly no: Break,
    private readonly plugin: string,
  ) {
    for (const target of at) {
      const group = key(target.itemKey, target.dataset);
      this.targets.set(key(target.itemKey, target.dataset, target.ref), target);
      this.groups.set(group, [...(this.groups.get(group) ?? []), target]);
    }
  }

  /**
   * What the outcome is taken for. One without a reference speaks for all targets of its item and dataset; one that says
   * more was done to a kept record than its plan allows is a failure of the plugin, never a success.
   */
  take(outcome: Outcome): Outcome[] {
    const { itemKey, dataset, ref } = outcome;
    const group = key(itemKey, dataset);
    const own = ref === undefined ? undefined : this.targets.get(key(itemKey, dataset, ref));
    const meant = ref === undefined ? (this.groups.get(group) ?? []) : own ? [own] : [];
    if (meant.length === 0) this.no('foreign-record');
    const id = ref === undefined ? group : key(itemKey, dataset, ref);
    if (this.answered.has(id)) this.no('duplicate-outcome');
    this.answered.add(id);
    // A plugin never cites law: the rule must be the one the approved plan handed out.
    if (meant.every((target) => citesAnother(outcome, target))) this.no('foreign-rule');
    if (!meant.some((target) => citesAnother(outcome, target) || oversteps(outcome, target))) return [outcome];
    return meant.map((target) => {
      if (citesAnother(outcome, target)) return failed(target, 'foreign-rule');
      if (oversteps(outcome, target))
        return { ...failed(target, 'plugin-overstepped'), note: `overstepped-by:${this.plugin}` };
      return { ...outcome, ref: target.ref, count: target.count };
    });
  }

  /** A failure for every target that got no outcome: silence is never "done". */
  *missing(): Generator<Outcome> {
    for (const target of this.at) {
      const { itemKey, dataset, ref } = target;
      if (this.answered.has(key(itemKey, dataset, ref)) || this.answered.has(key(itemKey, dataset))) continue;
      yield failed(target, 'no-outcome');
    }
  }
}

/** A verification for every dataset and item: what was not looked at is not clean. */
export class VerifyRules {
  private readonly open: Set<string>;

  constructor(
    { datasets, items }: Asked,
    private readonly no: Break,
  ) {
    this.open = new Set([...items].flatMap((item) => [...datasets].map((dataset) => key(item, dataset))));
  }

  take({ itemKey, dataset }: Verification): void {
    this.open.delete(key(itemKey, dataset));
  }

  finish(): void {
    if (this.open.size > 0) this.no('no-verification');
  }
}
