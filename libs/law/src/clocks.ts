/** All clocks of a request: what is due when under each regime, and the arithmetic that led there. */
import { unprocessable } from '#kernel';
import { calendarFor } from './calendar/calendar.js';
import { addDays, partsOf, shown } from './calendar/civil-date.js';
import { assertMayExtend, assertMayPause, deadlineRow } from './deadline-rules.js';
import type { CivilDate, Confidence, DeadlineRow, Fact, Period } from './deadline-row.js';
import { lastDay, type Course } from './calendar/last-day.js';
import { isEnabled, type LawOverrides } from './overrides.js';
import { merged, since, type Pause } from './pauses.js';
import type { RegimeId, RequestType } from './regimes.js';

/** What a clock asks for: `act` = the processing itself stops, without waiting for the answer. */
export type ClockKind = 'act' | 'acknowledge' | 'respond' | 'extension-notice';

/** One deadline of one regime. Dates are whole days in the controller's zone; the last moment is the end of the day. */
export interface LegalClock {
  regime: RegimeId;
  kind: ClockKind;
  /** The day the clock runs from (receipt, or identification where the law says so). */
  startsOn: CivilDate;
  /** Last day of the first period, after pauses and roll. */
  dueOn: CivilDate;
  /** Last day of the extended period; only once the extension was declared. */
  extendedDueOn?: CivilDate;
  /** Where an extension would lead; only while it is still possible. */
  extendableTo?: CivilDate;
  /** The last day in force: `extendedDueOn` if there is one, else `dueOn`. */
  effectiveDueOn: CivilDate;
  /** Warn by this day, where the text can be read as ending a day earlier. */
  warnOn?: CivilDate;
  /** The clock stands still since this day; the dates then assume an answer on the day asked for. */
  pausedSince?: CivilDate;
  /** `DE-BE`, `US`, `weekends-only`, or `none` where the law counts plain calendar days. */
  calendar: string;
  /** Row id and the day this version of the row is valid from. */
  rule: string;
  ruleVersion: CivilDate;
  citation: string;
  source: string;
  confidence: Confidence;
  /** The arithmetic, one readable line a step. */
  steps: string[];
}

/** What is known of a request. */
export interface ClocksInput {
  regimes: readonly RegimeId[];
  type: RequestType;
  /** Day of receipt in the controller's zone, see `dateInZone`. */
  receivedOn: CivilDate;
  /** ISO 3166-2 of the controller's place. */
  territory?: string | undefined;
  /** Regimes under which an extension was declared with a reason, see `assertExtension`. */
  extended?: Partial<Record<RegimeId, true>> | undefined;
  /** Pauses of the named regimes; those of others are passed over. */
  pauses?: readonly Pause[] | undefined;
  /** Day on which the person's identity was proven, if proof was asked for. */
  identifiedOn?: CivilDate | undefined;
  /** Today: an open pause runs to this day. Without it, an open pause counts its first day only. */
  asOf?: CivilDate | undefined;
  overrides?: LawOverrides | undefined;
}

interface Run extends Course {
  input: ClocksInput;
  opening: string[];
}

/**
 * Every clock of a request, the earliest first (by `effectiveDueOn`).
 * @throws 422 `request-type-not-available`, `pause-not-allowed-by-regime`, `extension-not-allowed-by-regime`,
 * `pause-ends-before-it-begins`, `date-invalid`, `territory-invalid`.
 */
export function clocksFor(input: ClocksInput): LegalClock[] {
  calendarFor(input.territory);
  return [...new Set(input.regimes)]
    .flatMap((regime) => clocksOf(runOf(input, deadlineRow(regime, input.type, input.receivedOn, input.overrides))))
    .sort((one, other) =>
      one.effectiveDueOn < other.effectiveDueOn ? -1 : one.effectiveDueOn > other.effectiveDueOn ? 1 : 0,
    );
}

/** The clock that leads: the earliest answer, or the earliest of all where no answer is due (a withdrawal). */
export function leading(clocks: readonly LegalClock[]): LegalClock | undefined {
  const answers = clocks.filter(({ kind }) => kind === 'respond');
  return (answers.length > 0 ? answers : clocks).reduce<LegalClock | undefined>(
    (first, clock) => (first === undefined || clock.effectiveDueOn < first.effectiveDueOn ? clock : first),
    undefined,
  );
}

function runOf(input: ClocksInput, row: DeadlineRow): Run {
  const opening = [`received ${shown(input.receivedOn)}; the day of receipt itself is not counted`];
  const startsOn = startOf(input, row, opening);
  const own = (input.pauses ?? []).filter(({ regime }) => regime === row.regime);
  for (const pause of own) {
    assertMayPause(row, pause.reason, input.overrides);
    assertForward(pause);
  }
  const closed = own.map(({ from, to }) => ({ from, to: to ?? latest(from, input.asOf ?? from) }));
  return { row, input, startsOn, territory: input.territory, pauses: since(startsOn, merged(closed)), opening };
}

function assertForward({ from, to }: Pause): void {
  partsOf(from);
  if (to === null) return;
  partsOf(to);
  if (from <= to) return;
  throw unprocessable(
    'pause-ends-before-it-begins',
    'A pause ends on the day the answer came, not before it was asked.',
  );
}

function startOf(input: ClocksInput, row: DeadlineRow, opening: string[]): CivilDate {
  const { identifiedOn, receivedOn } = input;
  if (identifiedOn !== undefined) partsOf(identifiedOn);
  if (identifiedOn === undefined || identifiedOn <= receivedOn) return receivedOn;
  const later = row.clock.startsLater.find(({ when }) => when === 'identified');
  if (later && isEnabled(later, `${row.id}#start-identified`, input.overrides)) {
    opening.push(`runs from ${shown(identifiedOn)}, when identity was proven (${later.source})`);
    return identifiedOn;
  }
  opening.push(`identity proven ${shown(identifiedOn)} does not move the start (${row.citation})`);
  return receivedOn;
}

function clocksOf(run: Run): LegalClock[] {
  const { act, ack, respond } = run.row;
  const clocks: LegalClock[] = [];
  // Stopping and acknowledging wait for nothing: they run from receipt, without proof of identity, pause or extension.
  const opening = run.opening.slice(0, 1);
  const fromReceipt: Run = { ...run, startsOn: run.input.receivedOn, pauses: [], opening };
  if (act) clocks.push(clock(fromReceipt, 'act', act, act));
  if (ack) clocks.push(clock(fromReceipt, 'acknowledge', ack, ack));
  if (run.input.extended?.[run.row.regime]) assertMayExtend(run.row);
  if (respond) clocks.push(...answerClocks(run, respond));
  return clocks;
}

function answerClocks(run: Run, respond: Period & Fact): LegalClock[] {
  const { row, input } = run;
  const answer = clock(run, 'respond', respond, respond);
  if (row.clock.warnDaysBefore > 0) answer.warnOn = addDays(answer.dueOn, -row.clock.warnDaysBefore);
  if (!row.extend) return [answer];
  const total = lastDay(run, row.extend.total);
  if (input.extended?.[row.regime]) {
    const extended: LegalClock = { ...answer, extendedDueOn: total.date, effectiveDueOn: total.date };
    if (row.clock.warnDaysBefore > 0) extended.warnOn = addDays(total.date, -row.clock.warnDaysBefore);
    extended.steps = [...answer.steps, 'extended, counted again from the original start:', ...total.steps];
    return [extended];
  }
  const notice = clock(run, 'extension-notice', respond, row.extend);
  notice.steps = [...notice.steps, 'an extension needs a reason and a notice sent by this day'];
  return [{ ...answer, extendableTo: total.date }, notice];
}

function clock(run: Run, kind: ClockKind, period: Period, fact: Fact): LegalClock {
  const { row, input } = run;
  const { date, steps, calendar } = lastDay(run, period);
  const open = run.pauses.length > 0 && input.pauses?.find(({ regime, to }) => regime === row.regime && to === null);
  return {
    regime: row.regime,
    kind,
    startsOn: run.startsOn,
    dueOn: date,
    effectiveDueOn: date,
    ...(open ? { pausedSince: open.from } : {}),
    calendar,
    rule: row.id,
    ruleVersion: row.validFrom,
    citation: row.citation,
    source: fact.source,
    confidence: fact.confidence,
    steps: [...run.opening, ...steps],
  };
}

function latest(one: CivilDate, other: CivilDate): CivilDate {
  return one > other ? one : other;
}
