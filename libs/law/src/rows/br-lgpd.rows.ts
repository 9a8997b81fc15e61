/** Deadlines of Brazil's LGPD (Lei 13.709/2018). Access is read; the other rights wait for counsel. Data only. */
import type { ClockRule, DeadlineRow } from '../deadline-row.js';

const clock: ClockRule = {
  start: 'receipt',
  startsLater: [],
  excludesDay0: true,
  rollWeekend: false,
  holidayCalendar: 'none',
  businessCalendar: 'none',
  pause: [],
  warnDaysBefore: 0,
};

/** Rows of the LGPD. */
export const BR_LGPD_ROWS: readonly DeadlineRow[] = [
  {
    id: 'br-lgpd/access',
    regime: 'br-lgpd',
    type: 'access',
    citation: 'LGPD art. 19, II',
    act: null,
    ack: null,
    respond: { n: 15, unit: 'calendarDay', source: 'Lei 13.709/2018 art. 19, II', confidence: 'V' },
    extend: null,
    clock,
    appeal: null,
    validFrom: '2020-09-18',
    source: 'Lei 13.709/2018 art. 19, II',
    confidence: 'V',
  },
  {
    id: 'br-lgpd/erasure',
    regime: 'br-lgpd',
    type: 'erasure',
    citation: 'LGPD art. 18, VI and § 4',
    act: null,
    ack: null,
    respond: { n: 15, unit: 'calendarDay', source: 'house value; art. 18 § 4 says "immediately"', confidence: 'M' },
    extend: null,
    clock,
    appeal: null,
    validFrom: '2020-09-18',
    source: 'Lei 13.709/2018 art. 18',
    confidence: 'M',
  },
];
