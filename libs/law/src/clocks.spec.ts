/** What rows allow: pauses, extensions, proof of identity, and the gate before unconfirmed facts. */
import { describe, expect, it } from '@jest/globals';
import { assertExtension, clocksFor, DEADLINE_ROWS, explainDue, leading, type ClocksInput } from './index.js';

const refusal = (code: string) => expect.objectContaining({ status: 422, code });
const uk: ClocksInput = { regimes: ['uk-gdpr'], type: 'access', receivedOn: '2026-09-07', territory: 'GB-ENG' };
const eu: ClocksInput = { regimes: ['eu-gdpr'], type: 'access', receivedOn: '2026-09-07', territory: 'DE-BE' };
const answer = (input: ClocksInput) => clocksFor(input).find(({ kind }) => kind === 'respond');

describe('a pause', () => {
  it('leaves out the day asked and the day answered', () => {
    const pauses = [{ regime: 'uk-gdpr', from: '2026-09-14', to: '2026-09-18' }] as const;
    expect(answer({ ...uk, pauses })).toMatchObject({ dueOn: '2026-10-12', calendar: 'GB-ENG' });
  });

  it('counts a day once where pauses overlap', () => {
    const pauses = [
      { regime: 'uk-gdpr', from: '2026-09-16', to: '2026-09-18' },
      { regime: 'uk-gdpr', from: '2026-09-14', to: '2026-09-17' },
    ] as const;
    expect(answer({ ...uk, pauses })?.dueOn).toBe('2026-10-12');
  });

  it('comes too late after the last day', () => {
    expect(answer({ ...uk, pauses: [{ regime: 'uk-gdpr', from: '2026-10-08', to: '2026-10-20' }] })?.dueOn).toBe(
      '2026-10-07',
    );
  });

  it('that is open runs to the day asked for', () => {
    const pauses = [{ regime: 'uk-gdpr', from: '2026-09-14', to: null }] as const;
    expect(answer({ ...uk, pauses })).toMatchObject({ dueOn: '2026-10-08', pausedSince: '2026-09-14' });
    expect(answer({ ...uk, pauses, asOf: '2026-09-18' })?.dueOn).toBe('2026-10-12');
  });

  it('is for access alone in the UK, and waits for counsel in the EU', () => {
    const paused = (regime: 'uk-gdpr' | 'eu-gdpr') => [{ regime, from: '2026-09-14', to: '2026-09-18' }];
    expect(() => clocksFor({ ...uk, type: 'erasure', pauses: paused('uk-gdpr') })).toThrow(
      refusal('pause-not-allowed-by-regime'),
    );
    expect(() => clocksFor({ ...eu, pauses: paused('eu-gdpr') })).toThrow(refusal('pause-not-allowed-by-regime'));
    const overrides = { enable: ['eu-gdpr/access#pause-identity'] };
    expect(answer({ ...eu, pauses: paused('eu-gdpr'), overrides })?.dueOn).toBe('2026-10-12');
  });

  it('runs forward', () => {
    const pauses = [{ regime: 'uk-gdpr', from: '2026-09-18', to: '2026-09-14' }] as const;
    expect(() => clocksFor({ ...uk, pauses })).toThrow(refusal('pause-ends-before-it-begins'));
  });
});

describe('proof of identity', () => {
  it('starts the clock in the UK, not in the EU', () => {
    expect(answer({ ...uk, identifiedOn: '2026-09-21' })).toMatchObject({
      startsOn: '2026-09-21',
      dueOn: '2026-10-21',
    });
    expect(answer({ ...eu, identifiedOn: '2026-09-21' })).toMatchObject({
      startsOn: '2026-09-07',
      dueOn: '2026-10-07',
    });
  });
});

describe('an extension', () => {
  const decision = { regime: 'eu-gdpr', reason: 'complexity', noticeOn: '2026-10-07' } as const;

  it('needs a reason and a notice inside the first period', () => {
    expect(assertExtension(eu, decision)).toMatchObject({ dueOn: '2026-10-07', extendedDueOn: '2026-12-07' });
    expect(() => assertExtension(eu, { ...decision, regime: 'us-ca', reason: 'necessary' })).toThrow(
      refusal('regime-not-of-request'),
    );
    expect(() => assertExtension(eu, { ...decision, reason: '' })).toThrow(refusal('extension-reason-required'));
    expect(() => assertExtension(eu, { ...decision, noticeOn: '2026-10-08' })).toThrow(
      refusal('extension-notice-late'),
    );
  });

  it('does not exist for an opt-out', () => {
    const input: ClocksInput = { regimes: ['us-ca'], type: 'opt-out', receivedOn: '2026-11-20' };
    expect(() => clocksFor({ ...input, extended: { 'us-ca': true } })).toThrow(
      refusal('extension-not-allowed-by-regime'),
    );
    expect(answer(input)).toMatchObject({ dueOn: '2026-12-14', calendar: 'US' });
  });
});

describe('a right a person can use at once', () => {
  it('stops marketing on the day, and answers within a month', () => {
    const clocks = clocksFor({ ...eu, type: 'objection', receivedOn: '2026-09-06' });
    expect(clocks[0]).toMatchObject({ kind: 'act', dueOn: '2026-09-06', calendar: 'none' });
    expect(leading(clocks)).toMatchObject({ kind: 'respond', dueOn: '2026-10-06' });
  });

  it('leads with the act where the law gives no time to answer', () => {
    expect(leading(clocksFor({ ...eu, type: 'withdrawal' }))).toMatchObject({ kind: 'act', dueOn: '2026-09-07' });
  });
});

describe('rows', () => {
  it('have one id each, a source and a regime in the id', () => {
    expect(new Set(DEADLINE_ROWS.map(({ id }) => id)).size).toBe(DEADLINE_ROWS.length);
    for (const { id, regime, type, source } of DEADLINE_ROWS) {
      expect(id).toBe(`${regime}/${type}`);
      expect(source).not.toBe('');
    }
  });

  it('from memory are off until counsel enables them, and any row can be switched off', () => {
    const input: ClocksInput = { regimes: ['br-lgpd'], type: 'erasure', receivedOn: '2026-02-10' };
    expect(() => clocksFor(input)).toThrow(refusal('request-type-not-available'));
    expect(answer({ ...input, overrides: { enable: ['br-lgpd/erasure'] } })?.dueOn).toBe('2026-02-25');
    expect(() => clocksFor({ ...eu, overrides: { disable: ['eu-gdpr/access'] } })).toThrow(
      refusal('request-type-not-available'),
    );
  });

  it('of the controller replace shipped ones', () => {
    const shipped = DEADLINE_ROWS.find(({ id }) => id === 'eu-gdpr/access');
    if (!shipped?.respond) throw new Error('missing row');
    const own = { ...shipped, respond: { ...shipped.respond, n: 14, unit: 'calendarDay' as const } };
    expect(answer({ ...eu, overrides: { deadlineRows: [own] } })?.dueOn).toBe('2026-09-21');
  });

  it('apply from the day they are valid', () => {
    expect(() => clocksFor({ ...uk, receivedOn: '2020-12-31' })).toThrow(refusal('request-type-not-available'));
  });
});

describe('dates', () => {
  it('must exist', () => {
    for (const receivedOn of ['2026-02-29', '2026-13-01', '26-01-01', '2026-1-1', '2026-01-01T00:00:00Z', '']) {
      expect(() => clocksFor({ ...eu, receivedOn })).toThrow(refusal('date-invalid'));
    }
  });
});

describe('an explanation', () => {
  it('shows each step', () => {
    expect(explainDue({ regimes: ['eu-gdpr'], type: 'erasure', receivedOn: '2026-11-20', territory: 'DE-BE' })).toEqual(
      expect.arrayContaining([
        'eu-gdpr respond: due Mon 2026-12-21',
        '  Fri 2026-11-20 + 1 month = Sun 2026-12-20',
        '  Sun 2026-12-20 is no working day (Sunday)',
        '  next working day: Mon 2026-12-21',
        '  calendar: DE-BE',
        'leading: eu-gdpr respond, due Mon 2026-12-21',
      ]),
    );
  });
});
