/** Looks at every target once more, inside the transaction that will change it, and says what is to happen to it. */
import type { Item, Op, Outcome, Target } from '@lethe/plugin-sdk';
import { guard, holding } from './change-rows.js';
import { sharedWith, strangersIn } from './locate-rows.js';
import { bearing, type MappedTables } from './mapped-tables.js';
import { findPerson, rowName, type FoundRow, type PersonRows } from './person-search.js';
import { carriersOf, dependencyOrder, type Constant, type MappedDataset } from './table-map.js';

/** What happens to one target: a write that is still to be made, or an outcome without one. */
export type Decision =
  | { target: Target; write: 'delete' }
  | { target: Target; write: 'set'; to: Record<string, Constant> }
  | { target: Target; write: 'none'; outcome: Outcome };

export function outcomeOf(
  target: Target,
  rest: { kind: 'erased' | 'anonymised' | 'not-found' | 'unsupported' | 'detached'; note?: string },
): Outcome {
  return {
    itemKey: target.itemKey,
    dataset: target.dataset,
    ref: target.ref,
    count: rest.kind === 'not-found' ? 0 : 1,
    ...rest,
  };
}

export function failedOutcome(target: Target, code: string): Outcome {
  const { itemKey, dataset, ref } = target;
  return { itemKey, dataset, ref, count: 0, kind: 'failed', retryable: false, error: { class: 'permanent', code } };
}

/** The outcome of a write that is done, or was done by an earlier attempt (`confirmed-on-retry`). */
export function doneOutcome(target: Target, op: Op, note?: string): Outcome {
  const noted = note ? { note } : {};
  const ruleId = target.ruleId ?? (op.kind === 'retention' ? op.rule.ruleId : undefined);
  switch (target.action) {
    case 'erase':
      return outcomeOf(target, { kind: 'erased', ...noted });
    case 'anonymise':
      return outcomeOf(target, { kind: 'anonymised', ...noted });
    case 'detach':
      return outcomeOf(target, { kind: 'detached', ...noted });
    case 'strip':
    case 'retain': {
      if (ruleId === undefined) return failedOutcome(target, 'rule-missing');
      const stripped = target.action === 'strip' ? { stripped: target.fields ?? [] } : {};
      const { itemKey, dataset, ref } = target;
      return { itemKey, dataset, ref, count: 1, kind: 'retained', ruleId, ...stripped, ...noted };
    }
  }
}

class TargetReview {
  private readonly persons = new Map<string, PersonRows>();

  constructor(
    private readonly tables: MappedTables,
    private readonly op: Op,
    private readonly items: ReadonlyMap<string, Item>,
  ) {}

  async run(targets: Target[]): Promise<Decision[]> {
    const present = await this.lock(targets);
    if (this.op.kind === 'erasure')
      for (const item of this.items.values()) this.persons.set(item.itemKey, await findPerson(this.tables, item.ids));
    const due =
      this.op.kind === 'retention' ? await this.due(this.op.rule.dataset, this.op.rule.before, targets) : undefined;
    const decisions: Decision[] = [];
    for (const given of targets) {
      const target =
        given.action === 'strip' ? { ...given, fields: given.fields ?? this.dataset(given).stripFields } : given;
      if (!present.has(rowName({ dataset: { name: target.dataset }, ref: target.ref })))
        decisions.push(none(target, outcomeOf(target, { kind: 'not-found' })));
      else if (target.action === 'retain') decisions.push(none(target, doneOutcome(target, this.op)));
      else if (due)
        decisions.push(
          due.has(target.ref)
            ? this.plain(target)
            : none(target, outcomeOf(target, { kind: 'not-found', note: 'not-due' })),
        );
      else decisions.push(await this.owned(target));
    }
    return decisions;
  }

  private dataset(target: Target): MappedDataset {
    return this.tables.table(target.dataset).dataset;
  }

  /** Locks the rows, children first, always in the same order; says which are still there. */
  private async lock(targets: Target[]): Promise<Set<string>> {
    const present = new Set<string>();
    for (const dataset of dependencyOrder(this.tables.map)) {
      for (const kept of [false, true]) {
        const refs = targets
          .filter((target) => target.dataset === dataset.name && (target.action === 'retain') === kept)
          .map((target) => target.ref);
        const rows = await this.tables.byRef(dataset.name, [...new Set(refs)], [], !kept);
        for (const [ref, copies] of rows) {
          if (copies.length > 1) guard('key-not-unique', dataset.name);
          present.add(rowName({ dataset, ref }));
        }
      }
    }
    for (const target of targets) this.tables.table(target.dataset);
    return present;
  }

  private async due(dataset: string, before: string, targets: Target[]): Promise<Set<string>> {
    const table = this.tables.table(dataset);
    const refs = targets.filter((target) => target.dataset === dataset).map((target) => target.ref);
    const rows = await this.tables.rowsBy(dataset, table.dataset.key, refs);
    return new Set(rows.filter((row) => row.startsOn !== undefined && row.startsOn < before).map((row) => row.ref));
  }

  /** Ownership: does the row still lead to this person, now that nobody else can change it? */
  private async owned(target: Target): Promise<Decision> {
    const person = this.persons.get(target.itemKey);
    const dataset = this.dataset(target);
    const row = person?.rows.get(rowName({ dataset, ref: target.ref }));
    if (!person || !row) {
      const before = await this.changedBefore(target);
      return none(
        target,
        before
          ? doneOutcome(target, this.op, 'confirmed-on-retry')
          : outcomeOf(target, { kind: 'not-found', note: 'changed-hands' }),
      );
    }
    if (row.standing !== 'clear') return none(target, failedOutcome(target, row.standing));
    const ids = this.items.get(target.itemKey)?.ids ?? [];
    const shared = target.sharedWith ?? (await sharedWith(this.tables, row, person, ids));
    // What also concerns somebody else is detached, whatever the plan says.
    if (target.action === 'detach' || (target.action === 'erase' && shared !== undefined))
      return { target: { ...target, action: 'detach' }, write: 'set', to: this.detachment(row, person, ids) };
    return this.plain(target);
  }

  private plain(target: Target): Decision {
    const dataset = this.dataset(target);
    if (target.action === 'erase') return { target, write: 'delete' };
    const to = this.fixed(target, dataset);
    if (Object.keys(to).length === 0) return none(target, outcomeOf(target, { kind: 'unsupported' }));
    if (doneOutcome(target, this.op).kind === 'failed') return none(target, failedOutcome(target, 'rule-missing'));
    if (to[dataset.key] !== undefined) return none(target, failedOutcome(target, 'key-not-changeable'));
    return { target, write: 'set', to };
  }

  private fixed(target: Target, dataset: MappedDataset): Record<string, Constant> {
    if (target.action === 'strip') return Object.fromEntries((target.fields ?? []).map((field) => [field, null]));
    return (target.action === 'anonymise' ? dataset.anonymise : dataset.detach) ?? {};
  }

  /** Of the detach columns, those that lead to this person; other participants keep theirs. */
  private detachment(row: FoundRow, person: PersonRows, ids: Item['ids']): Record<string, Constant> {
    const leading = bearing(this.tables.map, row.dataset);
    const strangers = strangersIn(this.tables, row, person, ids);
    const carriers = [
      ...carriersOf(this.tables.map, row.dataset).map((entry) => entry.column),
      ...this.personReferences(row.dataset),
    ];
    const wished = row.dataset.detach ?? Object.fromEntries(carriers.map((column) => [column, null]));
    return Object.fromEntries(
      Object.entries(wished).filter(
        ([column]) =>
          column !== row.dataset.key &&
          !(leading.includes(column) && (strangers.includes(column) || row.values[column] === null)),
      ),
    );
  }

  private personReferences(dataset: MappedDataset): string[] {
    return dataset.refs.filter((ref) => this.tables.table(ref.to.dataset).dataset.person).map((ref) => ref.column);
  }

  /** The row does not lead to the person any more because an earlier attempt did its work. */
  private async changedBefore(target: Target): Promise<boolean> {
    const dataset = this.dataset(target);
    const table = this.tables.table(target.dataset);
    const to = this.fixed(
      target.action === 'erase' && dataset.shared ? { ...target, action: 'detach' } : target,
      dataset,
    );
    const names = Object.keys(to);
    if (names.length === 0) return false;
    if (target.action !== 'detach') return (await holding(this.tables, table, [target.ref], to)).has(target.ref);
    const leading = names.filter((column) => bearing(this.tables.map, dataset).includes(column));
    for (const column of leading.length > 0 ? leading : names)
      if ((await holding(this.tables, table, [target.ref], { [column]: to[column] ?? null })).has(target.ref))
        return true;
    return false;
  }
}

function none(target: Target, outcome: Outcome): Decision {
  return { target, write: 'none', outcome };
}

/** One decision for each target, in their order. */
export async function decideTargets(
  tables: MappedTables,
  op: Op,
  items: Item[],
  targets: Target[],
): Promise<Decision[]> {
  return new TargetReview(tables, op, new Map(items.map((item) => [item.itemKey, item]))).run(targets);
}
