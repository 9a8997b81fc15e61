/** The order of rules over one record: hold > legal duty > restriction > erasure > retention. */
import { describe, expect, it } from '@jest/globals';
import { fakeSystem } from '../../../../test/support/fake-systems.js';
import { decideRecord, type DatasetFacts } from './decision.js';

const dataset = fakeSystem('shop', [{ name: 'invoices', stripFields: ['note'] }]).view.datasets[0]!;
const facts = (over: Partial<DatasetFacts> = {}): DatasetFacts => ({
  type: 'erasure',
  dataset,
  ground: 'gdpr-17-1-a',
  today: '2026-11-02',
  ...over,
});
const hold = { id: 'h1', ground: 'GDPR art. 17(3)(e)', reviewOn: '2027-01-01' };
const duty = { ruleId: 'de-invoice', dutyId: 'de-invoice', citation: '§ 14b UStG', stripFields: ['email'] };

describe('the decision on a record', () => {
  it('erases without a reason to keep', () => {
    expect(decideRecord(facts(), {})).toEqual({
      action: 'erase',
      judgement: { kind: 'ground-met', ruleId: 'gdpr-17-1-a' },
    });
  });

  it('puts a hold over everything', () => {
    expect(decideRecord(facts({ hold, duty, restricted: 'claims' }), { startsOn: '2024-03-12' })).toMatchObject({
      action: 'retain',
      ruleId: 'hold:h1',
    });
  });

  it('counts a duty from the record and strips beyond it', () => {
    expect(decideRecord(facts({ duty, restricted: 'claims' }), { startsOn: '2024-03-12' })).toMatchObject({
      action: 'strip',
      fields: ['email'],
      judgement: { kind: 'exception', until: '2032-12-31' },
    });
  });

  it('erases when the duty is over, and keeps when nobody can say that it is', () => {
    expect(decideRecord(facts({ duty }), { startsOn: '2017-12-31' })).toMatchObject({ action: 'erase' });
    expect(decideRecord(facts({ duty }), { startsOn: '2018-01-01' })).toMatchObject({ action: 'strip' });
    expect(decideRecord(facts({ duty }), {})).toMatchObject({ action: 'strip', judgement: { until: null } });
  });

  it('keeps a restricted record and an open contract as not met', () => {
    expect(decideRecord(facts({ restricted: 'claims' }), {})).toMatchObject({
      action: 'retain',
      judgement: { kind: 'not-met', why: 'restricted' },
    });
    expect(decideRecord(facts(), { blockedBy: 'contract-running' })).toMatchObject({
      action: 'retain',
      ruleId: 'not-met:contract-running',
    });
  });

  it('detaches what also concerns somebody else', () => {
    expect(decideRecord(facts(), { sharedWith: 'others' })).toMatchObject({ action: 'detach' });
  });

  it('only reads for access, whatever is kept', () => {
    expect(decideRecord(facts({ type: 'access', hold, duty }), {})).toMatchObject({ action: 'read' });
  });
});
