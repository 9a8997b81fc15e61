/** Deadlines of the UK GDPR (articles 12 and 12A), counted as the Information Commissioner's guidance does. Data only. */
import type { ClockRule, DeadlineRow, Fact, Period, PauseRule } from '../deadline-row.js';

const ico: Fact = {
  source: 'UK GDPR article 12(3); ICO, Right of access, "How long do we have to comply?"',
  confidence: 'V',
};
const oneMonth: Period & Fact = { n: 1, unit: 'month', ...ico };
const atOnce: Period = { n: 0, unit: 'calendarDay' };

/** The pause is for access alone: article 12A(5) names requests under article 15 (same text in DPA 2018 s.54(3C)). */
const clarification: PauseRule = {
  reason: 'clarification',
  source: 'UK GDPR article 12A; mirror text DPA 2018 s.54(3C): from the day asked to the day answered',
  confidence: 'V',
};

const clock: ClockRule = {
  start: 'receipt',
  startsLater: [
    {
      when: 'identified',
      source: 'ICO, Right of access: one month of receipt of the information requested to confirm identity',
      confidence: 'V',
    },
  ],
  excludesDay0: true,
  rollWeekend: true,
  holidayCalendar: 'territory',
  businessCalendar: 'none',
  pause: [],
  warnDaysBefore: 0,
};

const common = {
  regime: 'uk-gdpr',
  act: null,
  ack: null,
  respond: oneMonth,
  extend: { total: { n: 3, unit: 'month' }, reasons: ['complexity', 'number-of-requests'], ...ico },
  clock,
  appeal: null,
  validFrom: '2021-01-01',
  source: ico.source,
  confidence: 'V',
} as const satisfies Partial<DeadlineRow>;

/** Rows of the UK GDPR. */
export const UK_GDPR_ROWS: readonly DeadlineRow[] = [
  {
    ...common,
    id: 'uk-gdpr/access',
    type: 'access',
    citation: 'UK GDPR art. 15, 12(3), 12A',
    clock: { ...clock, pause: [clarification] },
  },
  { ...common, id: 'uk-gdpr/erasure', type: 'erasure', citation: 'UK GDPR art. 17, 12(3), 12A' },
  { ...common, id: 'uk-gdpr/rectification', type: 'rectification', citation: 'UK GDPR art. 16, 12(3), 12A' },
  { ...common, id: 'uk-gdpr/restriction', type: 'restriction', citation: 'UK GDPR art. 18, 12(3), 12A' },
  { ...common, id: 'uk-gdpr/portability', type: 'portability', citation: 'UK GDPR art. 20, 12(3), 12A' },
  {
    ...common,
    id: 'uk-gdpr/objection',
    type: 'objection',
    citation: 'UK GDPR art. 21(2)-(3), 12(3), 12A',
    act: { ...atOnce, source: 'UK GDPR article 21(3)', confidence: 'V' },
  },
  {
    ...common,
    id: 'uk-gdpr/opt-out',
    type: 'opt-out',
    citation: 'UK GDPR art. 21(2)-(3), 12(3), 12A',
    act: { ...atOnce, source: 'UK GDPR article 21(3)', confidence: 'V' },
  },
  {
    ...common,
    id: 'uk-gdpr/withdrawal',
    type: 'withdrawal',
    citation: 'UK GDPR art. 7(3)',
    act: { ...atOnce, source: 'UK GDPR article 7(3)', confidence: 'V' },
    respond: null,
    extend: null,
  },
];
