/** A request in one line, for a violation. */
import type { RequestState } from '../../libs/requests/src/request-state.js';

export function describe({ id, type, status, incomplete, steps, tasks }: RequestState): string {
  const short = steps.map((step) => [
    step.connectionId,
    step.finished,
    step.failure?.code,
    step.handled,
    step.attempts,
  ]);
  return JSON.stringify({
    id,
    type,
    status,
    incomplete,
    steps: short,
    tasks: tasks.map((one) => [one.why, !!one.completed]),
  });
}
