/** The shape of a deadline row: law as data, with the source of every fact and how surely it was read. */
import type { RegimeId, RequestType } from './regimes.js';

/** A date without time, `YYYY-MM-DD`, in the controller's zone. */
export type CivilDate = string;

/** V = read in the primary source, S = a secondary page only, M = from memory. S and M are off until counsel enables them. */
export type Confidence = 'V' | 'S' | 'M';

/** Where a fact was found and how surely. */
export interface Fact {
  source: string;
  confidence: Confidence;
}

/** A length of time. Business days are neither Saturday, Sunday nor a holiday of the row's business calendar. */
export interface Period {
  n: number;
  unit: 'month' | 'calendarDay' | 'businessDay';
}

/** Why a clock may stand still. */
export type PauseReason = 'clarification' | 'identity';

/** A pause the law accepts: days from `from` to `to`, both excluded. Its rule id is `<row id>#pause-<reason>`. */
export interface PauseRule extends Fact {
  reason: PauseReason;
}

/** How a row's days are counted. */
export interface ClockRule {
  /** The event the clock runs from. */
  start: 'receipt';
  /** A later event that moves the start, where the law says "the latest of". Rule id `<row id>#start-<when>`. */
  startsLater: readonly (Fact & { when: 'identified' })[];
  /** The day of the event is not counted: a month ends on the same-numbered day. */
  excludesDay0: true;
  /** A last day on Saturday, Sunday or a holiday moves to the next working day. */
  rollWeekend: boolean;
  /** Whose holidays roll the last day. */
  holidayCalendar: 'territory' | 'none';
  /** Whose holidays are no business days. */
  businessCalendar: 'US' | 'none';
  pause: readonly PauseRule[];
  /** Days before the last day on which to warn, where the text can be read as ending a day earlier. */
  warnDaysBefore: 0 | 1;
}

/** One law's deadlines for one right. */
export interface DeadlineRow extends Fact {
  /** `<regime>/<type>`; the version is `validFrom`. */
  id: string;
  regime: RegimeId;
  type: RequestType;
  /** The clauses, as cited in answers. */
  citation: string;
  /** When the processing itself must stop or change, where that is earlier than the answer. */
  act: (Period & Fact) | null;
  ack: (Period & Fact) | null;
  respond: (Period & Fact) | null;
  /** `total` counts from the original start, never from the first due date. The notice is due within the first period. */
  extend: (Fact & { total: Period; reasons: readonly string[] }) | null;
  clock: ClockRule;
  /** Time to answer an appeal against a refusal. */
  appeal: (Period & Fact) | null;
  /** First and last day of receipt the row covers. */
  validFrom: CivilDate;
  validTo?: CivilDate;
}
