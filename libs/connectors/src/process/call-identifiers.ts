/** Which values in the arguments of a call are a person's: they must not stand in a captured log. */
import type { Json } from '@lethe/plugin-sdk';

/** Values of identifiers and references to records, wherever they stand in the arguments. */
export function identifiersOf(args: Json): string[] {
  const found = new Set<string>();
  const walk = (value: Json): void => {
    if (Array.isArray(value)) return value.forEach(walk);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, member] of Object.entries(value)) {
      if ((key === 'value' || key === 'ref') && typeof member === 'string') found.add(member);
      else walk(member);
    }
  };
  walk(args);
  return [...found];
}
