/** What an approval covers and what asks again; and a run's state from its facts. */
import { describe, expect, it } from '@jest/globals';
import { newId, type JsonObject, type SubjectId } from '#kernel';
import { afterReading, counted, outcomesOf, toVerify } from './batch-outcomes.js';
import { covers, coversAll, personHeld, type HoldScope } from '../hold/hold.js';
import { foldPlan, planFact, statusOf, type PlanFacts } from './plan-state.js';
import { bandOf, keepersNamed, planChanges, planHash, type PlanHead, type PlannedItem } from './retention-plan.js';

const item: PlannedItem = {
  ...{ policyId: 'orders', policyVersion: 1, connectionId: 'c', dataset: 'orders', ruleId: 'retention:orders' },
  ...{ action: 'erase', before: '2023-11-22', fields: [], pluginId: 'postgres', pluginVersion: '1.0.0' },
  ...{ contentHash: 'h', configVersion: 1, schemaHash: 's', count: 100, band: bandOf(100), held: 0, heldBy: [] },
  more: false,
};
const head: PlanHead = { today: '2026-11-22', items: [item], blocked: [] };
const withItem = (more: Partial<PlannedItem>): PlanHead => ({ ...head, items: [{ ...item, ...more }] });

describe('an approved plan', () => {
  it.each<[string, Partial<PlannedItem>, string[]]>([
    ['covers more records inside the band', { count: 120 }, []],
    ['covers fewer records inside the band', { count: 80 }, []],
    ['does not cover more', { count: 121 }, ['count-outside-band']],
    ['does not cover fewer', { count: 79 }, ['count-outside-band']],
    ['does not cover another version of the policy', { policyVersion: 2 }, ['policy-changed']],
    ['does not cover another plugin build', { contentHash: 'x' }, ['plugin-changed']],
    ['does not cover another table map', { configVersion: 2 }, ['table-map-changed']],
    ['does not cover another schema', { schemaHash: 'x' }, ['schema-changed']],
    ['does not cover another date', { before: '2023-11-23' }, ['cut-off-changed']],
    ['does not cover another hold', { heldBy: ['hold:1'] }, ['hold-changed']],
    ['does not cover another policy', { policyId: 'other' }, ['item-new', 'policy-gone']],
  ])('%s', (_, more, codes) => {
    expect(planChanges(head, withItem(more)).map((change) => change.code)).toEqual(codes);
  });

  it('does not cover a block that is new, and is covered when one is gone', () => {
    const block = { policyId: 'other', connectionId: 'c', dataset: 'd', code: 'held', heldBy: [] };
    expect(planChanges(head, { ...head, blocked: [block] })).toEqual([{ code: 'blocked-new', policyId: 'other' }]);
    expect(planChanges({ ...head, blocked: [block] }, head)).toEqual([]);
  });

  it('names many keepers in little room, and still shows when one changes', () => {
    const many = Array.from({ length: 500 }, (_, n) => `hold:${n}`);
    expect(keepersNamed(many.slice(0, 20))).toEqual(many.slice(0, 20));
    expect(keepersNamed(many)).toHaveLength(21);
    expect(keepersNamed([...many.slice(0, -1), 'hold:x'])).not.toEqual(keepersNamed(many));
  });

  it('has a hash that names its rule, versions and records', () => {
    const hashes = [
      planHash(head, ['a']),
      planHash(head, ['b']),
      planHash(withItem({ before: '2023-11-23' }), ['a']),
      planHash(withItem({ policyVersion: 2 }), ['a']),
      planHash(withItem({ count: 101 }), ['a']),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(planHash(structuredClone(head), ['a'])).toBe(hashes[0]);
  });
});

describe('a run', () => {
  const [id, runId] = [newId(), newId()];
  const made = planFact('RetentionPlanMade.v1', {
    ...{ id, hash: 'h', head: { ...head, items: [item, { ...item, count: 0 }] }, plannedBy: 'p' },
    ...{ expiresAt: '2026-11-25T12:00:00.000Z', replaces: null },
  });
  const approved = planFact('RetentionPlanApproved.v1', {
    ...{ id, hash: 'h', approvedBy: 'a', runId },
    items: [
      { total: 300, batches: 2 },
      { total: 0, batches: 0 },
    ],
  });
  const batch = (at: number, kind: string, count: number): ReturnType<typeof planFact> => {
    const data: PlanFacts['RetentionBatchDone.v1'] = {
      ...{ id, runId, item: 0, batch: at, connectionId: 'c', dataset: 'orders', ruleId: 'r' },
      outcomes: [{ kind, reason: null, count }],
    };
    return planFact('RetentionBatchDone.v1', data);
  };
  const ended = (code: string): ReturnType<typeof planFact> =>
    planFact('RetentionItemEnded.v1', { id, runId, item: 0, code, left: 0 });

  it.each([
    ['planned', [made]],
    ['approved', [made, approved]],
    ['running', [made, approved, batch(0, 'erased', 200)]],
    ['running', [made, approved, batch(0, 'erased', 200), batch(1, 'erased', 100)]],
    ['done', [made, approved, batch(0, 'erased', 200), batch(1, 'erased', 100), ended('verified')]],
    ['incomplete', [made, approved, ended('held')]],
  ])('is %s after its facts', (status, facts) => {
    const state = foldPlan(facts);
    expect(state && statusOf(state)).toBe(status);
    expect(state?.version).toBe(facts.length);
  });

  it('adds up its outcomes, and nothing of another domain', () => {
    const stranger = { type: 'ConsentRecorded.v1', data: {} as JsonObject };
    expect(foldPlan([])).toBeUndefined();
    expect(foldPlan([stranger])).toBeUndefined();
    const state = foldPlan([made, approved, batch(0, 'erased', 200), batch(1, 'erased', 100)]);
    expect(state?.items[0]).toMatchObject({ next: 2, outcomes: [{ kind: 'erased', count: 300 }] });
  });
});

describe('outcomes of a batch', () => {
  const answer = (ref: string, kind: string, more: object = {}): Parameters<typeof outcomesOf>[1][number] => ({
    ...{ dataset: 'orders', ref, kind },
    ...more,
  });

  it('count a record without an answer as not done', () => {
    const outcomes = outcomesOf(['1', '2'], [answer('1', 'erased'), answer('9', 'erased')], false);
    expect(counted(outcomes, 1)).toEqual([
      { kind: 'erased', reason: null, count: 1 },
      { kind: 'failed', reason: 'no-outcome', count: 1 },
      { kind: 'held', reason: null, count: 1 },
    ]);
  });

  it('count what an earlier attempt may have erased as erased, and only then', () => {
    const gone = [answer('1', 'not-found'), answer('2', 'not-found', { note: 'not-due' })];
    expect(outcomesOf(['1', '2'], gone, true).get('1')).toMatchObject({ kind: 'erased', reason: 'confirmed-on-retry' });
    expect(outcomesOf(['1', '2'], gone, true).get('2')).toMatchObject({ kind: 'not-found', reason: 'not-due' });
    expect(outcomesOf(['1', '2'], gone, false).get('1')).toMatchObject({ kind: 'not-found', reason: null });
  });

  it('believe the second reading, not the first answer', () => {
    const outcomes = outcomesOf(
      ['1', '2', '3'],
      [answer('1', 'erased'), answer('2', 'erased'), answer('3', 'masked')],
      false,
    );
    expect(toVerify('erase', outcomes)).toEqual(['1', '2']);
    const read = afterReading(outcomes, [{ dataset: 'orders', kind: 'residue', ref: '2' }], 'orders');
    expect(read.get('2')).toEqual({ kind: 'failed', reason: 'residue', again: true });
    expect(read.get('1')?.kind).toBe('erased');
  });

  it('never record a connector’s sentence', () => {
    const said = answer('1', 'refused-by-system', { note: 'Ada Field has open sales' });
    expect(outcomesOf(['1'], [said], false).get('1')?.reason).toBe('unstated');
  });
});

describe('a hold', () => {
  const ada = newId() as SubjectId;
  const bob = newId() as SubjectId;
  const scope = (more: Partial<HoldScope>): { scope: HoldScope } => ({
    scope: { subjectId: null, connectionId: null, dataset: null, ...more },
  });
  const orders = { connectionId: 'shop', dataset: 'orders' };

  it.each<[string, Partial<HoldScope>, boolean, boolean]>([
    ['on a connection keeps everybody there', { connectionId: 'shop' }, true, true],
    ['on another connection keeps nobody here', { connectionId: 'crm' }, false, false],
    ['on the dataset keeps everybody in it', orders, true, true],
    ['on another dataset keeps nobody here', { ...orders, dataset: 'invoices' }, false, false],
    ['on a person keeps that person everywhere', { subjectId: ada }, true, false],
    ['on another person keeps not this one', { subjectId: bob }, false, false],
    ['on a person in another connection keeps nothing here', { subjectId: ada, connectionId: 'crm' }, false, false],
  ])('%s', (_, more, thisPerson, everybody) => {
    expect(covers(scope(more), { subjects: [ada], ...orders })).toBe(thisPerson);
    expect(coversAll(scope(more), 'shop', 'orders')).toBe(everybody);
  });

  it('names the person only where it reaches', () => {
    expect(personHeld(scope({ subjectId: ada }), 'shop', 'orders')).toBe(ada);
    expect(personHeld(scope({ subjectId: ada, connectionId: 'crm' }), 'shop', 'orders')).toBeUndefined();
    expect(personHeld(scope(orders), 'shop', 'orders')).toBeUndefined();
  });
});
