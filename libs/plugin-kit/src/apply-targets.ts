/** `apply`: all targets of a call in one transaction, updates first, then deletes from children to parents. */
import type { Item, Op, Outcome, Target } from '@lethe/plugin-sdk';
import { deleteRows, holding, setColumns } from './change-rows.js';
import { decideTargets, doneOutcome, failedOutcome, type Decision } from './decide-targets.js';
import type { MappedTables } from './mapped-tables.js';
import { dependencyOrder, type Constant, type MappedDataset } from './table-map.js';

type Write = Exclude<Decision, { write: 'none' }>;
type Updates = { to: Record<string, Constant>; writes: Write[] };

/** Exactly one outcome for each target, in their order. */
export async function applyTargets(tables: MappedTables, op: Op, items: Item[], targets: Target[]): Promise<Outcome[]> {
  const decisions = await decideTargets(tables, op, items, targets);
  const outcomes = new Map<Decision, Outcome>();
  for (const decision of decisions) if (decision.write === 'none') outcomes.set(decision, decision.outcome);
  const order = dependencyOrder(tables.map);
  const of = (dataset: MappedDataset, write: 'set' | 'delete'): Write[] =>
    decisions.filter(
      (decision): decision is Write => decision.write === write && decision.target.dataset === dataset.name,
    );
  // Detaching comes before any delete: a foreign key may otherwise hold the row that is to go.
  for (const dataset of order)
    for (const updates of grouped(of(dataset, 'set'))) await update(tables, op, dataset, updates, outcomes);
  for (const dataset of order) {
    const writes = of(dataset, 'delete');
    if (writes.length === 0) continue;
    await tables.session.step?.();
    const gone = await deleteRows(tables, tables.table(dataset.name), refsOf(writes));
    // A trigger may keep the row; then nobody may say it is gone.
    for (const write of writes)
      outcomes.set(
        write,
        gone.has(write.target.ref) ? doneOutcome(write.target, op) : failedOutcome(write.target, 'row-kept-by-system'),
      );
  }
  return decisions.map((decision) => outcomes.get(decision) ?? failedOutcome(decision.target, 'without-outcome'));
}

function refsOf(writes: Write[]): string[] {
  return [...new Set(writes.map((write) => write.target.ref))];
}

/** Targets that get the same values, so that each group is one statement. */
function grouped(writes: Write[]): Updates[] {
  const groups = new Map<string, Updates>();
  for (const write of writes) {
    if (write.write !== 'set') continue;
    const name = JSON.stringify(Object.entries(write.to).sort(([left], [right]) => (left < right ? -1 : 1)));
    const group = groups.get(name) ?? { to: write.to, writes: [] };
    group.writes.push(write);
    groups.set(name, group);
  }
  return [...groups.values()];
}

async function update(
  tables: MappedTables,
  op: Op,
  dataset: MappedDataset,
  { to, writes }: Updates,
  outcomes: Map<Decision, Outcome>,
): Promise<void> {
  const table = tables.table(dataset.name);
  const refs = refsOf(writes);
  if (Object.keys(to).length === 0) {
    for (const write of writes) outcomes.set(write, doneOutcome(write.target, op, 'nothing-to-change'));
    return;
  }
  const changed = await setColumns(tables, table, refs, to);
  const final = await holding(tables, table, refs, to);
  for (const write of writes) {
    const { target } = write;
    const note = changed.has(target.ref) ? undefined : 'confirmed-on-retry';
    outcomes.set(
      write,
      final.has(target.ref) ? doneOutcome(target, op, note) : failedOutcome(target, 'row-kept-by-system'),
    );
  }
}
