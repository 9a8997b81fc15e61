/** The promise of the product as a property: whatever systems answer, in whatever order, fulfilled means fulfilled. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SubjectId } from '#kernel';
import { FINALITY, type OutcomeKind } from '../step/outcome.js';
import { evolve } from '../request-evolve.js';
import type { RequestState } from '../request-state.js';
import { LETHE_ITSELF, type RequestEvent } from '../request.js';
import { stepProblems, verdictOf } from './verdict.js';

const requestId = '019ab000-0000-7000-8000-000000000001';
const sealed = { sealed: 1, c: 'case', s: 's', n: 'n', t: 't' } as const;
const steps = [
  { stepId: 'a', connectionId: 'shop', order: 0, jobId: 'ja', datasets: ['customers', 'orders'] },
  { stepId: 'b', connectionId: 'warehouse', order: 1, jobId: 'jb', datasets: ['sales'] },
  { stepId: 'z', connectionId: LETHE_ITSELF, order: 2, jobId: 'jz', datasets: ['identity'] },
];
const rows: Record<string, [string, number][]> = {
  a: [
    ['customers', 1],
    ['orders', 2],
  ],
  b: [['sales', 2]],
  z: [['identity', 1]],
};

function acting(type: 'erasure' | 'access' = 'erasure'): RequestState {
  const at = { requestId };
  const received: RequestEvent = {
    type: 'RequestReceived.v1',
    data: {
      ...at,
      type,
      regimes: ['eu-gdpr'],
      territory: 'DE-BE',
      timeZone: 'Europe/Berlin',
      subjectId: requestId as SubjectId,
      identifiers: [],
      receivedAt: '2026-11-02T08:00:00Z',
      receivedOn: '2026-11-02',
      backdated: false,
      channel: 'letter',
      purposes: [],
      ambiguous: false,
    },
  };
  const state = evolve(undefined, received)!;
  evolve(state, { type: 'ActingStarted.v1', data: { ...at, planId: 'p', steps } });
  for (const { stepId } of steps)
    evolve(state, {
      type: 'TargetsKept.v1',
      data: {
        ...at,
        stepId,
        from: 0,
        datasets: rows[stepId]!.map(([dataset, count]) => ({ dataset, count })),
        added: 0,
        targets: sealed,
      },
    });
  return state;
}

const kinds = Object.keys(FINALITY) as OutcomeKind[];
const stepOf = fc.constantFrom(...steps);

const anyEvent: fc.Arbitrary<RequestEvent> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({ step: stepOf, kind: fc.constantFrom(...kinds), targets: fc.subarray([0, 1, 2, 3]), dataset: fc.nat(1) })
      .map(({ step, kind, targets, dataset }): RequestEvent => {
        const name = step.datasets[dataset % step.datasets.length]!;
        return {
          type: 'TargetOutcomeRecorded.v1',
          data: {
            requestId,
            stepId: step.stepId,
            connectionId: step.connectionId,
            generation: 0,
            dataset: name,
            kind,
            count: targets.length,
            targets,
          },
        };
      }),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({
        step: stepOf,
        result: fc.constantFrom('clean' as const, 'clean' as const, 'residue' as const),
        some: fc.nat(2),
      })
      .map(({ step, result, some }): RequestEvent => ({
        type: 'StepVerified.v1',
        data: {
          requestId,
          stepId: step.stepId,
          connectionId: step.connectionId,
          datasets: step.datasets.slice(0, some + 1).map((dataset) => ({ dataset, result, records: 0 })),
        },
      })),
  },
  {
    weight: 3,
    arbitrary: stepOf.map((step): RequestEvent => ({
      type: 'StepFinished.v1',
      data: { requestId, stepId: step.stepId, connectionId: step.connectionId, isolation: null },
    })),
  },
  {
    weight: 1,
    arbitrary: stepOf.map((step): RequestEvent => ({
      type: 'StepFailed.v1',
      data: {
        requestId,
        stepId: step.stepId,
        connectionId: step.connectionId,
        jobId: step.jobId,
        code: 'x',
        class: 'bug',
      },
    })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({
        step: stepOf,
        how: fc.constantFrom('retry' as const, 'manual' as const, 'accept' as const),
        final: fc.boolean(),
      })
      .map(({ step, how, final }): RequestEvent => ({
        type: 'StepRedriven.v1',
        data: { requestId, stepId: step.stepId, how, final, humanRef: 'h' },
      })),
  },
);

/** What fulfilled has to mean, written down apart from the code under test. */
function isReallyDone(events: RequestEvent[]): boolean {
  return steps.every(({ stepId, datasets }) => {
    const own = events.filter((event) => 'stepId' in event.data && event.data.stepId === stepId);
    const names = rows[stepId]!.flatMap(([dataset, count]) => Array<string>(count).fill(dataset));
    return (
      names.every((_, index) => {
        const last = own.findLast(
          (event) => event.type === 'TargetOutcomeRecorded.v1' && event.data.targets.includes(index),
        );
        return last?.type === 'TargetOutcomeRecorded.v1' && ['gone', 'kept'].includes(FINALITY[last.data.kind]);
      }) &&
      datasets.every((dataset) => {
        const last = own.findLast(
          (event) => event.type === 'StepVerified.v1' && event.data.datasets.some((one) => one.dataset === dataset),
        );
        return (
          last?.type === 'StepVerified.v1' &&
          last.data.datasets.find((one) => one.dataset === dataset)?.result === 'clean'
        );
      })
    );
  });
}

describe('the verdict', () => {
  it('never says fulfilled unless every target has a final outcome and every dataset was read clean', () => {
    let fulfilled = 0;
    // Pure noise seldom gets far, so half of the runs begin with a complete story and spoil it.
    const spoiled = fc
      .record({ drop: fc.array(fc.nat(11), { maxLength: 3 }), add: fc.array(anyEvent, { maxLength: 3 }) })
      .map(({ drop, add }) => [...completeStory().filter((_, index) => !drop.includes(index)), ...add]);
    fc.assert(
      fc.property(fc.oneof(fc.array(anyEvent, { maxLength: 60 }), spoiled), (events) => {
        const state = acting();
        for (const event of events) evolve(state, event);
        const verdict = verdictOf(state);
        if (verdict.kind !== 'answer' || verdict.resolution === 'refused') return;
        fulfilled += 1;
        expect(isReallyDone(events)).toBe(true);
      }),
      { numRuns: 20_000 },
    );
    expect(fulfilled).toBeGreaterThan(100);
  });

  function completeStory(): RequestEvent[] {
    return steps.flatMap(({ stepId, connectionId, datasets }): RequestEvent[] => {
      const at = { requestId, stepId, connectionId };
      let index = 0;
      return [
        ...rows[stepId]!.map(([dataset, count]): RequestEvent => ({
          type: 'TargetOutcomeRecorded.v1',
          data: {
            ...at,
            generation: 0,
            dataset,
            kind: 'erased',
            count,
            targets: Array.from({ length: count }, () => index++),
          },
        })),
        {
          type: 'StepVerified.v1',
          data: { ...at, datasets: datasets.map((dataset) => ({ dataset, result: 'clean', records: 0 })) },
        },
        { type: 'StepFinished.v1', data: { ...at, isolation: null } },
      ];
    });
  }

  function finished(
    state: RequestState,
    skip: { stepId?: string; what?: 'outcome' | 'verify' | 'finish' } = {},
    kind: OutcomeKind = 'erased',
  ): RequestState {
    for (const { stepId, connectionId, datasets } of steps) {
      const at = { requestId, stepId, connectionId };
      let index = 0;
      for (const [dataset, count] of rows[stepId]!) {
        const targets = Array.from({ length: count }, () => index++);
        if (skip.stepId !== stepId || skip.what !== 'outcome')
          evolve(state, {
            type: 'TargetOutcomeRecorded.v1',
            data: { ...at, generation: 0, dataset, kind, count, targets },
          });
      }
      if (skip.stepId !== stepId || skip.what !== 'verify')
        evolve(state, {
          type: 'StepVerified.v1',
          data: { ...at, datasets: datasets.map((dataset) => ({ dataset, result: 'clean', records: 0 })) },
        });
      if (skip.stepId !== stepId || skip.what !== 'finish')
        evolve(state, { type: 'StepFinished.v1', data: { ...at, isolation: null } });
    }
    return state;
  }

  it('says fulfilled when it is', () => {
    expect(verdictOf(finished(acting()))).toEqual({ kind: 'answer', resolution: 'fulfilled' });
    expect(verdictOf(finished(acting(), {}, 'retained'))).toEqual({
      kind: 'answer',
      resolution: 'fulfilled-with-retention',
    });
  });

  it.each(steps.flatMap(({ stepId }) => (['outcome', 'verify', 'finish'] as const).map((what) => ({ stepId, what }))))(
    'misses $what of $stepId',
    (skip) => {
      expect(verdictOf(finished(acting(), skip)).kind).not.toBe('answer');
    },
  );

  it.each(kinds.filter((kind) => ['failed', 'open'].includes(FINALITY[kind])))('takes %s for no success', (kind) => {
    expect(verdictOf(finished(acting(), {}, kind))).toMatchObject({ kind: 'incomplete' });
  });

  it('counts a dataset without any record only when something was said about it', () => {
    const state = acting();
    const step = { ...state.steps[0]!, datasets: ['customers', 'orders', 'newsletter'] };
    expect(stepProblems(step, false)).toContain('dataset-without-outcome');
  });
});
