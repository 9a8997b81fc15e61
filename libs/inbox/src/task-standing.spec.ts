/** What a system says of its task is held to the approved plan, as a plugin's answers are. */
import { expect, it } from '@jest/globals';
import type { Target } from '#connectors';
import { standingOf, verificationsOf } from './task-standing.js';
import type { TaskOutcome } from './task-outcome.js';
import type { TaskRow } from './task.js';

const kept: Target = {
  itemKey: 'i',
  dataset: 'mails',
  ref: '1',
  count: 1,
  action: 'strip',
  ruleId: 'duty',
  fields: ['a'],
};

function standing(kind: 'erased' | 'masked'): object[] {
  const outcomes: TaskOutcome[] = [{ dataset: 'mails', count: 1, kind }];
  const task = { state: 'done', finished_at: new Date(), must_finish_by: new Date() } as unknown as TaskRow;
  return standingOf({ task, outcomes }, undefined, [kept], new Date());
}

it('is a failure when a record that was to be stripped is said to be erased', () => {
  expect(standing('erased')).toMatchObject([{ kind: 'failed', error: { code: 'system-overstepped' } }]);
});

it('is taken for what it is when no more was done than asked (control)', () => {
  expect(standing('masked')).not.toMatchObject([{ kind: 'failed' }]);
});

it('names every record that a second look found, not the first alone', () => {
  const at = ['1', '2', '3'].map((ref): Target => ({ itemKey: 'i', dataset: 'mails', ref, count: 1, action: 'erase' }));
  const seen: TaskOutcome[] = [
    { dataset: 'mails', ref: '1', count: 1, kind: 'residue' },
    { dataset: 'mails', ref: '2', count: 1, kind: 'residue' },
    { dataset: 'mails', ref: '3', count: 0, kind: 'clean' },
  ];
  const refs = verificationsOf(seen, at, 'i', ['mails', 'notes']).map((one) => ('ref' in one ? one.ref : one.kind));
  expect(refs).toEqual(['1', '2', 'clean']);
});
