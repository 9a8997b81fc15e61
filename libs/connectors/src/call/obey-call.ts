/** Tells a plugin how people's decisions stand, and holds it to one answer for each of them. */
import type { Json, Obeyed, PersonToObey } from '@lethe/plugin-sdk';
import type { CallOptions, PluginHost } from './plugin-host.js';
import { hostFailure } from '../plugin.errors.js';
import { nameOf, type RunningConnection } from '../process/process-pool.js';

/** Throws `PluginFailure`: `no-answer` when somebody was left out, `operation-unsupported` when the plugin cannot be told. */
export async function obeyCall(
  host: Pick<PluginHost, 'call'>,
  connection: RunningConnection,
  people: PersonToObey[],
  options?: CallOptions,
): Promise<Obeyed[]> {
  const open = new Set(people.map(({ itemKey }) => itemKey));
  const answers: Obeyed[] = [];
  for await (const answer of host.call(connection, 'obey', { people } as unknown as Json, options)) {
    if (!open.delete(answer.itemKey)) throw hostFailure('foreign-item', nameOf(connection));
    answers.push(answer);
  }
  // Silence is never "obeyed".
  if (open.size > 0) throw hostFailure('no-answer', nameOf(connection));
  return answers;
}
