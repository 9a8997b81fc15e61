/** The date a connector is told agrees, day by day, with the law it stands for. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addDays, DUTY_ROWS, dutyUntil } from '#law';
import { cutOff, firstKept } from './cut-off.js';
import { periodUntil, policyFault, type Policy, type PolicyDefinition } from './policy.js';

const policy = (more: Partial<Policy>): Policy => ({
  id: 'orders',
  version: 1,
  connectionId: '00000000-0000-7000-8000-000000000001',
  dataset: 'orders',
  action: 'erase',
  stripFields: [],
  ...more,
});
const invoiceDuty = { dutyId: 'de-invoice', recordClass: 'invoice', country: 'DE' };
const TODAY = '2026-11-22';

describe('the cut-off', () => {
  it('of a German invoice: all of 2024 goes on 1 January 2033, and nothing of it a day before', () => {
    const invoices = policy({ duty: invoiceDuty });
    expect(cutOff(invoices, [], '2032-12-31')).toEqual({ before: '2024-01-01' });
    expect(cutOff(invoices, [], '2033-01-01')).toEqual({ before: '2025-01-01' });
  });

  it('of a period of one’s own: kept through its last day', () => {
    expect(cutOff(policy({ period: 'P3Y' }), [], TODAY)).toEqual({ before: '2023-11-22' });
    expect(cutOff(policy({ period: 'P0D' }), [], TODAY)).toEqual({ before: TODAY });
    expect(cutOff(policy({ period: 'P1M' }), [], '2026-03-31')).toEqual({ before: '2026-03-01' });
  });

  it('of duty and period together is the earlier one', () => {
    expect(cutOff(policy({ duty: invoiceDuty, period: 'P10Y' }), [], TODAY)).toEqual({ before: '2016-11-22' });
    expect(cutOff(policy({ duty: invoiceDuty, period: 'P1Y' }), [], TODAY)).toEqual({ before: '2018-01-01' });
  });

  it('never goes past another policy’s duty over the dataset, but for fields that duty does not cover', () => {
    const kept = policy({ id: 'kept', duty: invoiceDuty, stripFields: ['email'] });
    expect(cutOff(policy({ period: 'P1Y' }), [kept], TODAY)).toEqual({ before: '2018-01-01' });
    const strip = policy({ period: 'P1Y', action: 'strip', stripFields: ['email'] });
    expect(cutOff(strip, [kept], TODAY)).toEqual({ before: '2025-11-22' });
    expect(cutOff({ ...strip, stripFields: ['email', 'name'] }, [kept], TODAY)).toEqual({ before: '2018-01-01' });
  });

  it('is refused for a law that is not in force', () => {
    const old = policy({ duty: { ...invoiceDuty, dutyId: 'de-invoice-2002' } });
    expect(cutOff(old, [], TODAY)).toEqual({ blocked: 'duty-not-in-force' });
    expect(cutOff(old, [], '2024-12-31')).toEqual({ before: '2014-01-01' });
  });

  it('says for every date the same as the duty or the period itself', () => {
    const days = fc.integer({ min: 0, max: 60_000 }).map((n) => addDays('1900-01-01', n));
    const untils = [
      ...DUTY_ROWS.map((row) => (date: string) => dutyUntil(row, date)),
      ...['P1D', 'P1M', 'P13M', 'P3Y', 'P1Y1M1W1D'].map((period) => (date: string) => periodUntil(period, date)),
    ];
    fc.assert(
      fc.property(days, days, fc.constantFrom(...untils), (date, today, until) => {
        fc.pre(date <= today);
        expect(date < firstKept(until, today)).toBe(until(date) < today);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a policy', () => {
  const { id: _, version: __, ...body } = policy({});
  const fault = (more: Partial<PolicyDefinition>): string | undefined => policyFault({ ...body, ...more })?.code;

  it('has a duty or a period, and a duty that fits', () => {
    expect(fault({})).toBe('duty-or-period-needed');
    expect(fault({ period: 'P1Y' })).toBeUndefined();
    expect(fault({ period: 'P1Y', action: 'strip' })).toBe('strip-fields-missing');
    expect(fault({ duty: { ...invoiceDuty, dutyId: 'xx-none' } })).toBe('duty-unknown');
    expect(fault({ duty: { ...invoiceDuty, recordClass: 'voucher' } })).toBe('duty-of-another-class');
    expect(fault({ duty: { ...invoiceDuty, country: 'FR' } })).toBe('duty-of-another-country');
  });

  it('rests on an unconfirmed duty only when a human enables it', () => {
    expect(fault({ duty: invoiceDuty })).toBe('duty-not-enabled');
    expect(fault({ duty: invoiceDuty, overrides: { enable: ['de-voucher'] } })).toBe('duty-not-enabled');
    expect(fault({ duty: invoiceDuty, overrides: { enable: ['de-invoice'] } })).toBeUndefined();
    const read = { dutyId: 'us-ca-privacy-request', recordClass: 'privacy-request', country: 'US-CA' };
    expect(fault({ duty: read })).toBeUndefined();
  });
});
