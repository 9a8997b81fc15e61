/** What a system had said of a task before a hold took it back: that stands as it was said, and only the rest is asked anew. */
import type { CallAbout, Item, Target } from '#connectors';
import type { TenantId } from '#kernel';
import { lookOf } from './asked-of.js';
import type { TaskWanted } from './open-task.js';
import { outcomeFor } from './task-outcome.js';
import { needsLook, type Answered } from './task-standing.js';
import type { Tasks } from './tasks.js';

/** A task that was taken back, with the targets of which its system had given its word. */
export type Told = Answered & { at: Target[]; toLookAt: Target[] };

/** What was done, or stays for a reason: the record is as it was said. Everything else may be tried again. */
const STANDS = ['erased', 'anonymised', 'masked', 'detached', 'rectified', 'not-found', 'retained', 'restricted'];

/** The latest word counts. `rest`: nobody has said what became of them. `handed`: somebody had a task of this item before. */
export async function toldBefore(
  tasks: Tasks,
  tenant: TenantId,
  connection: string,
  { itemKey, at }: { itemKey: string; at: readonly Target[] },
): Promise<{ told: Told[]; rest: Target[]; handed: boolean }> {
  const before = await tasks.takenBack(tenant, connection, itemKey);
  const told: Told[] = [];
  let rest = [...at];
  for (const task of before) {
    const outcomes = await tasks.outcomes(tenant, task);
    const own = rest.filter((target) => STANDS.includes(outcomeFor(outcomes, target)?.kind ?? 'failed'));
    if (own.length === 0) continue;
    const toLookAt = own.filter((target) => needsLook(target, outcomeFor(outcomes, target)));
    told.push({ task: { ...task, state: 'done' }, outcomes, at: own, toLookAt });
    rest = rest.filter((target) => !own.includes(target));
  }
  return { told, rest, handed: before.length > 0 };
}

/** The second look at what was told to be done, under the key of the task that was taken back: its own has not been used. */
export function looksAt(item: Item, told: readonly Told[], about: CallAbout | undefined): TaskWanted[] {
  return told
    .filter(({ toLookAt }) => toLookAt.length > 0)
    .map(({ task, toLookAt }) => ({ kind: 'verify', itemKey: task.item_key, asked: lookOf(item, toLookAt), about }));
}
