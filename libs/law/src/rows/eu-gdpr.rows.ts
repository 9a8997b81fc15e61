/** Deadlines of the GDPR (Regulation (EU) 2016/679), counted by Regulation (EEC, Euratom) 1182/71 article 3. Data only. */
import type { ClockRule, DeadlineRow, Fact, Period } from '../deadline-row.js';

const gdpr12: Fact = { source: 'Regulation (EU) 2016/679 article 12(3)', confidence: 'V' };
const oneMonth: Period & Fact = { n: 1, unit: 'month', ...gdpr12 };
const atOnce: Period = { n: 0, unit: 'calendarDay' };

const clock: ClockRule = {
  start: 'receipt',
  startsLater: [],
  excludesDay0: true,
  rollWeekend: true,
  holidayCalendar: 'territory',
  businessCalendar: 'none',
  pause: [
    { reason: 'identity', source: 'Berlin data protection authority, practice on article 12(6)', confidence: 'S' },
  ],
  warnDaysBefore: 0,
};

const common = {
  regime: 'eu-gdpr',
  act: null,
  ack: null,
  respond: oneMonth,
  extend: { total: { n: 3, unit: 'month' }, reasons: ['complexity', 'number-of-requests'], ...gdpr12 },
  clock,
  appeal: null,
  validFrom: '2018-05-25',
  source: 'Regulation (EU) 2016/679 article 12(3); Regulation 1182/71 article 3',
  confidence: 'V',
} as const satisfies Partial<DeadlineRow>;

/** Rows of the GDPR. */
export const EU_GDPR_ROWS: readonly DeadlineRow[] = [
  { ...common, id: 'eu-gdpr/access', type: 'access', citation: 'GDPR art. 15, 12(3)' },
  { ...common, id: 'eu-gdpr/erasure', type: 'erasure', citation: 'GDPR art. 17, 12(3)' },
  { ...common, id: 'eu-gdpr/rectification', type: 'rectification', citation: 'GDPR art. 16, 12(3)' },
  { ...common, id: 'eu-gdpr/restriction', type: 'restriction', citation: 'GDPR art. 18, 12(3)' },
  { ...common, id: 'eu-gdpr/portability', type: 'portability', citation: 'GDPR art. 20, 12(3)' },
  {
    ...common,
    id: 'eu-gdpr/objection',
    type: 'objection',
    citation: 'GDPR art. 21(2)-(3), 12(3)',
    // 21(3): after an objection to marketing the data "shall no longer be processed" for it; no period is granted.
    act: { ...atOnce, source: 'Regulation (EU) 2016/679 article 21(3)', confidence: 'V' },
  },
  {
    ...common,
    id: 'eu-gdpr/opt-out',
    type: 'opt-out',
    citation: 'GDPR art. 21(2)-(3), 12(3)',
    act: { ...atOnce, source: 'Regulation (EU) 2016/679 article 21(3)', confidence: 'V' },
  },
  {
    ...common,
    id: 'eu-gdpr/withdrawal',
    type: 'withdrawal',
    citation: 'GDPR art. 7(3)',
    // Article 12(3) names articles 15 to 22, not 7: a withdrawal has no time to answer, it works at once.
    act: { ...atOnce, source: 'Regulation (EU) 2016/679 article 7(3)', confidence: 'V' },
    respond: null,
    extend: null,
  },
];
