/** Holidays on known days, where a rule is easy to get wrong. */
import { describe, expect, it } from '@jest/globals';
import { calendarFor, clocksFor } from '../index.js';
import { easterSunday } from './holiday.js';

const due = (receivedOn: string, territory: string, regime: 'eu-gdpr' | 'uk-gdpr' = 'eu-gdpr') =>
  clocksFor({ regimes: [regime], type: 'erasure', receivedOn, territory })[0];

describe('holidays', () => {
  it('follow Easter', () => {
    const known = ['2008-03-23', '2011-04-24', '2018-04-01', '2024-03-31', '2026-04-05', '2027-03-28', '2038-04-25'];
    expect(known.map((date) => easterSunday(Number(date.slice(0, 4))))).toEqual(known);
  });

  it('are given in lieu in England without sharing a day', () => {
    const england = calendarFor('GB-ENG');
    const lieu = (days: string[]) => days.filter((date) => england.holidayOn(date) !== undefined);
    expect(lieu(['2021-12-27', '2021-12-28', '2021-12-29'])).toEqual(['2021-12-27', '2021-12-28']);
    expect(lieu(['2022-12-26', '2022-12-27', '2022-12-28'])).toEqual(['2022-12-26', '2022-12-27']);
    expect(due('2021-11-25', 'GB-ENG', 'uk-gdpr')?.dueOn).toBe('2021-12-29');
    expect(calendarFor('GB-SCT').holidayOn('2022-01-04')).toBe('2 January (substitute)');
  });

  it('move to Friday or Monday in the United States, over the turn of the year too', () => {
    const federal = calendarFor('US');
    expect(federal.holidayOn('2021-12-31')).toBe("New Year's Day (substitute)");
    expect(federal.holidayOn('2026-07-03')).toBe('Independence Day (substitute)');
    expect(federal.holidayOn('2026-11-27')).toBeUndefined();
  });

  it('differ by Land and by year', () => {
    expect(calendarFor('DE-SN').holidayOn('2026-11-18')).toBe('Buß- und Bettag');
    expect(calendarFor('DE-BE').holidayOn('2026-11-18')).toBeUndefined();
    expect(calendarFor('DE-BE').holidayOn('2018-03-08')).toBeUndefined();
    expect(calendarFor('DE-BE').holidayOn('2025-05-08')).toBe('80 Jahre Befreiung');
    expect(calendarFor('IE').holidayOn('2030-02-01')).toBe("St Brigid's Day");
    expect(calendarFor('IE').holidayOn('2030-02-04')).toBeUndefined();
  });
});

describe('a place', () => {
  it('falls back to its country, and to weekends where there are no rows', () => {
    expect(calendarFor('FR-75').id).toBe('FR');
    expect(calendarFor('DE').holidayOn('2027-03-08')).toBeUndefined();
    expect(due('2026-11-02', 'PL')?.calendar).toBe('weekends-only');
  });

  it('outside the area of the law does not lend its holidays', () => {
    // 14 July is a holiday in France only; the UK law knows the holidays of the UK.
    expect(due('2027-06-14', 'FR', 'uk-gdpr')).toMatchObject({ dueOn: '2027-07-14', calendar: 'weekends-only' });
  });

  it('must be an ISO 3166 code', () => {
    expect(() => due('2026-11-02', 'Berlin')).toThrow(expect.objectContaining({ code: 'territory-invalid' }));
  });
});
