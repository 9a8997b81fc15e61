/** Which processes another one has started; the plugins of a service are children of its spawner. */
import { readdirSync, readFileSync } from 'node:fs';

/** State and parent; undefined when it has ended. */
function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** False also for one that has ended and that nobody has asked for yet. */
export function isRunning(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z';
}

/** Process ids of those that run. */
export function childrenOf(parent: number): number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.map(Number).filter((pid) => statOf(pid)?.parent === parent && isRunning(pid));
}

/** Process ids of the plugins that a service has had started. */
export function pluginsOf(service: number): number[] {
  return childrenOf(service).flatMap(childrenOf);
}
