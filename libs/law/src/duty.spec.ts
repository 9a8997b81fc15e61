/** Retention duties and the texts that answers quote. */
import { describe, expect, it } from '@jest/globals';
import { dutiesFor, dutyApplies, dutyById, DUTY_ROWS, dutyUntil, type DutyRow } from './index.js';
import { accessItemsOf, authorityFor, exceptionsOf, groundsOf, legalRule, REGIMES, remedyOf } from './index.js';

const row = (id: string): DutyRow => {
  const found = dutyById(id);
  if (!found) throw new Error(`no duty ${id}`);
  return found;
};

describe('a retention duty', () => {
  it('keeps a German invoice of 12 March 2024 until the end of 2032', () => {
    const invoice = row('de-invoice');
    expect(dutyUntil(invoice, '2024-03-12')).toBe('2032-12-31');
    expect(dutyApplies(invoice, '2024-03-12', '2032-12-31')).toBe(true);
    expect(dutyApplies(invoice, '2024-03-12', '2033-01-01')).toBe(false);
  });

  it('applies the law of the day, not that of the record', () => {
    expect(dutyApplies(row('de-invoice-2002'), '2015-06-01', '2024-12-31')).toBe(true);
    expect(dutyApplies(row('de-invoice-2002'), '2015-06-01', '2025-01-01')).toBe(false);
    expect(dutyApplies(row('de-invoice'), '2016-06-01', '2025-01-01')).toBe(false);
    expect(dutyApplies(row('de-invoice'), '2017-06-01', '2025-01-01')).toBe(true);
  });

  it('runs from the record where the law says so, months without overflow', () => {
    expect(dutyUntil(row('gb-invoice'), '2024-02-29')).toBe('2030-02-28');
    expect(dutyUntil(row('us-ca-privacy-request'), '2024-02-29')).toBe('2026-02-28');
  });

  it('is off until counsel enables it, unless it was read in the law', () => {
    const query = { country: 'DE', recordClass: 'invoice', today: '2026-11-22' };
    expect(dutiesFor(query)).toEqual([]);
    expect(dutiesFor({ ...query, includeDisabled: true }).map(({ id }) => id)).toEqual(['de-invoice']);
    expect(dutiesFor({ ...query, overrides: { enable: ['de-invoice'] } }).map(({ id }) => id)).toEqual(['de-invoice']);
    expect(dutiesFor({ country: 'US-CA', recordClass: 'privacy-request' })).toHaveLength(1);
    expect(dutiesFor({ country: 'DE-BE', recordClass: 'invoice', includeDisabled: true })).toHaveLength(2);
  });

  it('of the controller replaces the shipped one', () => {
    const own: DutyRow = { ...row('de-invoice'), period: { n: 9, unit: 'year' } };
    expect(dutiesFor({ country: 'DE', recordClass: 'invoice', overrides: { dutyRows: [own] } })).toEqual([own]);
  });

  it('has one id', () => {
    expect(new Set(DUTY_ROWS.map(({ id }) => id)).size).toBe(DUTY_ROWS.length);
  });
});

describe('legal texts', () => {
  it('have the six grounds, five exceptions and nine items of the GDPR', () => {
    for (const regime of ['eu-gdpr', 'uk-gdpr'] as const) {
      expect(groundsOf(regime)).toHaveLength(6);
      expect(exceptionsOf(regime)).toHaveLength(5);
      expect(accessItemsOf(regime)).toHaveLength(9);
    }
    expect(legalRule('gdpr-17-3-b')?.citation).toBe('GDPR art. 17(3)(b)');
    expect(legalRule('uk-gdpr-17-1-a')?.citation).toBe('UK GDPR art. 17(1)(a)');
  });

  it('name remedies for every regime, the unconfirmed wording only when enabled', () => {
    for (const regime of REGIMES) expect(remedyOf(regime).complaint).not.toBe('');
    expect(remedyOf('uk-gdpr').complaint).not.toContain('164A');
    expect(remedyOf('uk-gdpr', { enable: ['uk-gdpr/remedy-164a'] }).complaint).toContain('164A');
  });

  it('name the authority of the place, then of the country', () => {
    expect(authorityFor('eu-gdpr', 'DE-BE')?.website).toContain('berlin');
    expect(authorityFor('eu-gdpr', 'FR-75')?.name).toContain('informatique');
    expect(authorityFor('eu-gdpr', undefined)).toBeUndefined();
    expect(authorityFor('uk-gdpr', 'FR')?.name).toBe('Information Commissioner');
  });
});
