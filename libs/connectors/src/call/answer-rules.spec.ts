/** What a plugin says of many records at once holds for each of them as far as its own approved plan allows. */
import { describe, expect, it } from '@jest/globals';
import type { Outcome, Target } from '@lethe/plugin-sdk';
import { OutcomeRules } from './answer-rules.js';

const order = (ref: string, more: Partial<Target>): Target =>
  ({ itemKey: 'i', dataset: 'orders', ref, count: 1, action: 'erase', ...more }) as Target;
const all = { itemKey: 'i', dataset: 'orders', count: 2 };

function taken(targets: Target[], outcome: Omit<Outcome, keyof typeof all>): Outcome[] {
  const no = (code: string): never => {
    throw new Error(code);
  };
  return new OutcomeRules(targets, no, 'shop@1.0.0').take({ ...all, ...outcome } as Outcome);
}

describe('an outcome for all records of a dataset', () => {
  const kept = order('kept', { action: 'strip', ruleId: 'de-hgb-257' });
  const free = order('free', {});

  it('keeps by a legal duty only what the plan keeps by it', () => {
    expect(taken([free, kept], { kind: 'retained', ruleId: 'de-hgb-257' } as never)).toEqual([
      expect.objectContaining({ ref: 'free', kind: 'failed', error: { class: 'bug', code: 'foreign-rule' } }),
      expect.objectContaining({ ref: 'kept', kind: 'retained', ruleId: 'de-hgb-257' }),
    ]);
  });

  it('ends the call when no record has the duty that it cites', () => {
    expect(() => taken([free], { kind: 'retained', ruleId: 'de-hgb-257' } as never)).toThrow('foreign-rule');
  });

  it('is one word when all have the same (control)', () => {
    const said = { kind: 'retained', ruleId: 'de-hgb-257' };
    expect(taken([kept, { ...kept, ref: 'too' }], said as never)).toEqual([{ ...all, ...said }]);
  });

  it('erases nothing of what is kept', () => {
    const [first, second] = taken([free, kept], { kind: 'erased' } as never);
    expect(first).toMatchObject({ ref: 'free', kind: 'erased' });
    expect(second).toMatchObject({ ref: 'kept', kind: 'failed', note: 'overstepped-by:shop@1.0.0' });
  });
});
