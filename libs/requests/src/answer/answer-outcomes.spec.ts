/** What an answer says became of a dataset: the last word counts, and silence is a failure. */
import { describe, expect, it } from '@jest/globals';
import type { DatasetOutcome } from '../step/outcome.js';
import { datasetRows } from './answer-outcomes.js';
import type { AftercareState, RequestState, StepState, TaskState } from '../request-state.js';

const outcome = (over: Partial<DatasetOutcome>): DatasetOutcome & { generation: number } => ({
  ...{ dataset: 'orders', kind: 'erased', count: 1, targets: [0], generation: 0 },
  ...over,
});

function state(step: Partial<StepState>, over: Partial<RequestState> = {}): RequestState {
  const full = { stepId: 's1', connectionId: 'c1', datasets: ['orders'], outcomes: [], ...step };
  return { steps: [full], aftercare: [], tasks: [], ...over } as unknown as RequestState;
}

const short = (request: RequestState): string[] =>
  datasetRows(request).map(({ dataset, kind, count, reason }) =>
    [dataset, kind, count, reason].filter(Boolean).join(' '),
  );

describe('the rows of an answer', () => {
  it('follow the last outcome of each record', () => {
    const outcomes = [
      outcome({ kind: 'failed', count: 0, targets: [0, 1], reason: 'half-done' }),
      outcome({ kind: 'erased', count: 1, targets: [0] }),
      outcome({ kind: 'erased', count: 1, targets: [1] }),
    ];
    expect(short(state({ outcomes }))).toEqual(['orders erased 2']);
    expect(short(state({ outcomes: outcomes.slice(0, 2) }))).toEqual(['orders erased 1', 'orders failed 1 half-done']);
  });

  it('call a dataset without an outcome failed', () => {
    expect(short(state({}))).toEqual(['orders failed no-outcome']);
  });

  it('say what a human reports as reported, never as erased', () => {
    const task = { kind: 'dead-letter', systemId: 's1', completed: { outcome: 'done' } } as unknown as TaskState;
    const outcomes = [outcome({ kind: 'failed', count: 0, reason: 'down' })];
    const manual = state({ outcomes, handled: 'manual' }, { tasks: [task] });
    expect(short(manual)).toEqual(['orders reported manual-task']);
    expect(short(state({ outcomes, handled: 'manual' }))).toEqual(['orders failed down']);
  });

  it('say erased of what was kept, once its time is over', () => {
    const outcomes = [
      outcome({ kind: 'retained', count: 2, targets: [0, 1], reason: 'legal-duty', until: '2026-12-31' }),
      outcome({ kind: 'erased', count: 1, targets: [2] }),
    ];
    const care = { stepId: 's1', dataset: 'orders', targets: [0, 1], done: { kind: 'erased', count: 2 } };
    expect(short(state({ outcomes }, { aftercare: [care as unknown as AftercareState] }))).toEqual([
      'orders erased 2 retention-ended',
      'orders erased 1',
    ]);
  });
});
