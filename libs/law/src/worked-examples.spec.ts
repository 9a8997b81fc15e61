/** The worked examples that every change of rows or arithmetic must still meet, and engines that must not. */
import { describe, expect, it } from '@jest/globals';
import { clocksFor, leading, REGIMES, type RegimeId, type RequestType } from './index.js';
import { breachDue } from './breach-due.js';

interface Example {
  regime: RegimeId;
  type?: RequestType;
  territory?: string;
  received: string;
  due: string;
  extended?: string;
  why: string;
}

const EXAMPLES: readonly Example[] = [
  { regime: 'uk-gdpr', territory: 'GB-ENG', received: '2026-09-03', due: '2026-10-05', why: '3 Oct is a Saturday' },
  { regime: 'uk-gdpr', received: '2026-09-03', due: '2026-10-05', why: 'weekends roll without a place' },
  { regime: 'uk-gdpr', territory: 'GB-ENG', received: '2028-01-31', due: '2028-02-29', why: 'leap year' },
  { regime: 'uk-gdpr', territory: 'GB-ENG', received: '2024-11-25', due: '2024-12-27', why: 'ICO: two bank holidays' },
  { regime: 'eu-gdpr', territory: 'FR', received: '2027-06-14', due: '2027-07-15', why: '14 July is a holiday' },
  { regime: 'eu-gdpr', received: '2027-06-14', due: '2027-07-14', why: 'no place, so only weekends roll' },
  { regime: 'eu-gdpr', territory: 'DE-BE', received: '2026-08-31', due: '2026-09-30', why: 'no 31 September' },
  { regime: 'eu-gdpr', territory: 'DE-BE', received: '2026-11-02', due: '2026-12-02', why: 'tax duty scenario' },
  { regime: 'eu-gdpr', territory: 'DE-BE', received: '2026-11-20', due: '2026-12-21', why: '20 Dec is a Sunday' },
  { regime: 'eu-gdpr', territory: 'DE-BE', received: '2027-02-08', due: '2027-03-09', why: '8 March in Berlin' },
  { regime: 'eu-gdpr', territory: 'DE-BY', received: '2027-02-08', due: '2027-03-08', why: '8 March in Munich' },
  { regime: 'eu-gdpr', received: '2027-01-31', due: '2027-03-01', why: '28 Feb 2027 is a Sunday' },
  {
    regime: 'eu-gdpr',
    territory: 'DE-BE',
    received: '2026-07-31',
    due: '2026-08-31',
    extended: '2026-11-02',
    why: 'three months end on Sat 31 Oct',
  },
  {
    regime: 'eu-gdpr',
    territory: 'DE-BE',
    received: '2026-11-20',
    due: '2026-12-21',
    extended: '2027-02-22',
    why: 'from 20 Nov, not from the rolled 21 Dec: 20 Feb 2027 is a Saturday',
  },
  {
    regime: 'eu-gdpr',
    territory: 'DE-BE',
    received: '2026-12-31',
    due: '2027-02-01',
    extended: '2027-03-31',
    why: 'from 31 Dec, not two months from the rolled 1 Feb',
  },
  { regime: 'us-ca', received: '2026-11-20', due: '2027-01-04', extended: '2027-02-18', why: '45 and 90, no roll' },
  { regime: 'us-ca', territory: 'US-CA', received: '2024-01-15', due: '2024-02-29', why: 'calendar days, leap year' },
  { regime: 'us-ca', received: '2026-11-04', due: '2026-12-19', why: 'a Saturday stays' },
  { regime: 'br-lgpd', type: 'access', received: '2026-02-10', due: '2026-02-25', why: '15 days' },
];

function answer({ regime, type = 'access', territory, received, extended }: Example) {
  const clocks = clocksFor({
    regimes: [regime],
    type,
    receivedOn: received,
    territory,
    extended: extended === undefined ? {} : { [regime]: true },
  });
  return clocks.find(({ kind }) => kind === 'respond');
}

describe('the worked examples', () => {
  for (const example of EXAMPLES) {
    it(`${example.regime} ${example.territory ?? ''} ${example.received}: ${example.why}`, () => {
      const clock = answer(example);
      expect(clock?.dueOn).toBe(example.due);
      expect(clock?.extendedDueOn).toBe(example.extended);
      expect(clock?.effectiveDueOn).toBe(example.extended ?? example.due);
    });
  }

  it('run a breach through the weekend by the hour', () => {
    expect(breachDue(new Date('2026-11-20T10:00:00Z'))).toEqual(new Date('2026-11-23T10:00:00Z'));
  });

  it('say so when no place is given', () => {
    expect(answer({ regime: 'eu-gdpr', received: '2027-06-14', due: '', why: '' })?.calendar).toBe('weekends-only');
    expect(answer({ regime: 'eu-gdpr', territory: 'FR', received: '2027-06-14', due: '', why: '' })?.calendar).toBe(
      'FR',
    );
  });

  it('cover every regime for erasure and access but the one that waits for counsel', () => {
    for (const regime of REGIMES) {
      const erasure = () => clocksFor({ regimes: [regime], type: 'erasure', receivedOn: '2026-11-20' });
      if (regime === 'br-lgpd')
        expect(erasure).toThrow(expect.objectContaining({ code: 'request-type-not-available' }));
      else expect(leading(erasure())?.kind).toBe('respond');
    }
  });
});

describe('two laws at once', () => {
  const input = {
    regimes: ['eu-gdpr', 'us-ca'] as const,
    type: 'erasure' as const,
    receivedOn: '2026-11-20',
    territory: 'DE-BE',
  };

  it('run a clock each, and the earliest answer leads', () => {
    const clocks = clocksFor(input);
    expect(clocks.map(({ regime, kind, dueOn, calendar }) => [regime, kind, dueOn, calendar])).toEqual([
      ['us-ca', 'acknowledge', '2026-12-07', 'US'],
      ['eu-gdpr', 'respond', '2026-12-21', 'DE-BE'],
      ['eu-gdpr', 'extension-notice', '2026-12-21', 'DE-BE'],
      ['us-ca', 'respond', '2027-01-04', 'none'],
      ['us-ca', 'extension-notice', '2027-01-04', 'none'],
    ]);
    expect(leading(clocks)).toMatchObject({ regime: 'eu-gdpr', dueOn: '2026-12-21' });
  });

  it('let the other law lead once the first is extended', () => {
    expect(leading(clocksFor({ ...input, extended: { 'eu-gdpr': true } }))).toMatchObject({
      regime: 'us-ca',
      dueOn: '2027-01-04',
      warnOn: '2027-01-03',
    });
  });

  it('refuse to pause California', () => {
    const paused = () => clocksFor({ ...input, pauses: [{ regime: 'us-ca', from: '2026-11-25', to: null }] });
    expect(paused).toThrow(expect.objectContaining({ status: 422, code: 'pause-not-allowed-by-regime' }));
  });
});

/** Engines with the two classic faults. The table is worth something only if it tells them apart. */
describe('the table as a control', () => {
  const iso = (date: Date) => date.toISOString().slice(0, 10);
  const overflowing = (date: string, months: number) => {
    const moved = new Date(`${date}T00:00:00Z`);
    moved.setUTCMonth(moved.getUTCMonth() + months);
    return iso(moved);
  };
  const rolled = (date: string) => {
    const day = new Date(`${date}T00:00:00Z`);
    while ([0, 6].includes(day.getUTCDay())) day.setUTCDate(day.getUTCDate() + 1);
    return iso(day);
  };
  const european = EXAMPLES.filter(({ regime }) => regime === 'eu-gdpr' || regime === 'uk-gdpr');

  it('catches months that overflow', () => {
    const wrong = european.filter(({ received, due }) => rolled(overflowing(received, 1)) !== due);
    expect(wrong.map(({ received }) => received)).toEqual(expect.arrayContaining(['2028-01-31', '2026-08-31']));
  });

  it('catches an extension counted from the rolled date', () => {
    const extendedOnes = european.filter((example) => example.extended !== undefined);
    const wrong = extendedOnes.filter(({ due, extended }) => rolled(overflowing(due, 2)) !== extended);
    expect(wrong.map(({ received }) => received)).toEqual(expect.arrayContaining(['2026-12-31']));
  });

  it('catches a Californian date that rolls', () => {
    const wrong = EXAMPLES.filter(({ regime, due }) => regime === 'us-ca' && rolled(due) !== due);
    expect(wrong).toHaveLength(1);
  });
});
