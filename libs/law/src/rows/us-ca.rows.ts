/** Deadlines of the California Consumer Privacy Act and its regulations (11 CCR 7021, 7026, 7027). Data only. */
import type { ClockRule, DeadlineRow, Fact, Period } from '../deadline-row.js';

const ccr7021: Fact = { source: '11 CCR 7021(b)', confidence: 'V' };
const ack: Period & Fact = { n: 10, unit: 'businessDay', source: '11 CCR 7021(a)', confidence: 'V' };
const respond: Period & Fact = { n: 45, unit: 'calendarDay', ...ccr7021 };

/**
 * No roll: the text knows none. No pause: 45 days "regardless of time required to verify". The period "will begin on
 * the day" of receipt, which can be read a day shorter, hence the warning. "Business day" is undefined; the federal
 * set has fewer holidays than the state's, so it gives the earlier date.
 */
const clock: ClockRule = {
  start: 'receipt',
  startsLater: [],
  excludesDay0: true,
  rollWeekend: false,
  holidayCalendar: 'none',
  businessCalendar: 'US',
  pause: [],
  warnDaysBefore: 1,
};

const verified = {
  regime: 'us-ca',
  act: null,
  ack,
  respond,
  extend: { total: { n: 90, unit: 'calendarDay' }, reasons: ['necessary'], ...ccr7021 },
  clock,
  appeal: null,
  validFrom: '2020-08-14',
  source: '11 CCR 7021',
  confidence: 'V',
} as const satisfies Partial<DeadlineRow>;

const unverified = {
  ...verified,
  ack: null,
  extend: null,
  clock: { ...clock, warnDaysBefore: 0 },
} as const satisfies Partial<DeadlineRow>;

const optOut: Fact = { source: '11 CCR 7026(f)', confidence: 'V' };
const limit: Fact = { source: '11 CCR 7027(g)', confidence: 'V' };
const fifteen: Period = { n: 15, unit: 'businessDay' };

/** Rows of California. */
export const US_CA_ROWS: readonly DeadlineRow[] = [
  { ...verified, id: 'us-ca/access', type: 'access', citation: 'Cal. Civ. Code 1798.110; 11 CCR 7021' },
  { ...verified, id: 'us-ca/erasure', type: 'erasure', citation: 'Cal. Civ. Code 1798.105; 11 CCR 7021' },
  {
    ...verified,
    id: 'us-ca/rectification',
    type: 'rectification',
    citation: 'Cal. Civ. Code 1798.106; 11 CCR 7021',
    validFrom: '2023-01-01',
  },
  // Portability is the form in which a request to know is answered (1798.130(a)(3)(B)).
  { ...verified, id: 'us-ca/portability', type: 'portability', citation: 'Cal. Civ. Code 1798.130; 11 CCR 7021' },
  {
    ...unverified,
    id: 'us-ca/opt-out',
    type: 'opt-out',
    citation: 'Cal. Civ. Code 1798.120; 11 CCR 7026',
    respond: { ...fifteen, ...optOut },
    ...optOut,
  },
  // A Californian who objects or takes an opt-in back asks to opt out of sale and sharing "at any time" (1798.120(a)).
  {
    ...unverified,
    id: 'us-ca/objection',
    type: 'objection',
    citation: 'Cal. Civ. Code 1798.120; 11 CCR 7026',
    respond: { ...fifteen, ...optOut },
    ...optOut,
  },
  {
    ...unverified,
    id: 'us-ca/withdrawal',
    type: 'withdrawal',
    citation: 'Cal. Civ. Code 1798.120; 11 CCR 7026',
    respond: { ...fifteen, ...optOut },
    ...optOut,
  },
  {
    ...unverified,
    id: 'us-ca/restriction',
    type: 'restriction',
    citation: 'Cal. Civ. Code 1798.121; 11 CCR 7027',
    respond: { ...fifteen, ...limit },
    ...limit,
    validFrom: '2023-01-01',
  },
];
