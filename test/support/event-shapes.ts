/** Which keys an event's data has and of what kind each is: the shape that no build may change, because stored bytes never migrate. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json, JsonObject } from '#kernel';

const file = join(import.meta.dirname, '../golden/shapes.json');

/** By path such as `head.systems[].datasets`: the kinds that were met there, `absent` where the key may be missing. */
export type Shape = Record<string, string>;

/** By type of event. */
export function committedShapes(): Record<string, Shape> {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, Shape>) : {};
}

/** Members whose keys are a customer's or a route's, not ours. */
const MAPS = new Set(['config', 'overrides', 'target']);

function kindOf(key: string, value: Json): string {
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  if (Array.isArray(value)) return 'array';
  if (value['sealed'] === 1) return 'sealed';
  return MAPS.has(key) ? 'map' : 'object';
}

/** Widens the shape until the data fits; returns what did not, as lines such as `head.count is a string`. */
export function widen(shape: Shape, data: JsonObject): string[] {
  const strange: string[] = [];
  const meet = (path: string, kind: string): void => {
    const kinds = shape[path]?.split('|') ?? [];
    if (kinds.includes(kind)) return;
    strange.push(`${path} is ${kind}`);
    shape[path] = [...kinds, kind].sort().join('|');
  };
  const walk = (path: string, key: string, value: Json): void => {
    const kind = kindOf(key, value);
    const seen = shape[path]?.split('|').includes(kind) ?? false;
    meet(path, kind);
    if (kind === 'array') for (const one of value as Json[]) walk(`${path}[]`, '', one);
    if (kind !== 'object') return;
    const members = value as JsonObject;
    const under = path === '' ? '' : `${path}.`;
    const isMember = (known: string): boolean => known.startsWith(under) && /^[^.[]+$/.test(known.slice(under.length));
    for (const known of Object.keys(shape).filter(isMember))
      if (!(known.slice(under.length) in members)) meet(known, 'absent');
    for (const [name, member] of Object.entries(members)) {
      if (seen && !(under + name in shape)) meet(under + name, 'absent');
      walk(under + name, name, member);
    }
  };
  walk('', '', data);
  return strange;
}

/** Writes the shapes of types that have none yet; those that have one stay as they are, unless `wider`. */
export function keepShapes(events: readonly { type: string; data: JsonObject }[], wider: boolean): void {
  const before = committedShapes();
  const shapes = structuredClone(before);
  for (const { type, data } of events) if (wider || !(type in before)) widen((shapes[type] ??= {}), data);
  const sorted = Object.entries(shapes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([type, shape]) => [type, Object.fromEntries(Object.entries(shape).sort(([a], [b]) => (a < b ? -1 : 1)))]);
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
}

/** What no committed shape allows, one line each. */
export function strangeShapes(events: readonly { type: string; data: JsonObject }[]): string[] {
  const committed = committedShapes();
  const lines = events.flatMap(({ type, data }) =>
    widen({ ...committed[type] }, data).map((line) => `${type}: ${line}`),
  );
  return [...new Set(lines)];
}
