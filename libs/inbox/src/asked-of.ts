/** What a task asks, from the targets of a plan. Pure. */
import { DECLARED_REF, type Item, type Target } from '#connectors';
import type { Asked, AskedDataset } from './task.js';

type Wanted = Pick<Target, 'dataset' | 'ref' | 'ruleId' | 'fields'> & { action: AskedDataset['action'] };

/** Targets of one person as they are asked: one entry a dataset and decision. */
export function askedOf({ ids }: Item, at: readonly Wanted[]): Asked {
  const groups = new Map<string, AskedDataset>();
  for (const { dataset: name, action, ref, ruleId, fields } of at) {
    const key = JSON.stringify([name, action, ruleId ?? null, fields ?? null, ref === DECLARED_REF]);
    const group = groups.get(key) ?? {
      ...{ name, action },
      ...(ref === DECLARED_REF ? {} : { refs: [] }),
      ...(ruleId === undefined ? {} : { ruleId }),
      ...(fields === undefined ? {} : { fields }),
    };
    group.refs?.push(ref);
    groups.set(key, group);
  }
  return {
    identifiers: ids.map(({ type, value, strength }) => ({ type, value, strength })),
    datasets: [...groups.values()],
  };
}

/** A second look at these. */
export function lookOf(item: Item, at: readonly Pick<Target, 'dataset' | 'ref'>[]): Asked {
  return askedOf(
    item,
    at.map(({ dataset, ref }) => ({ dataset, ref, action: 'verify' })),
  );
}
