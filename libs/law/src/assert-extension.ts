/** Declaring an extension: it needs a reason the law knows and a notice sent inside the first period. */
import { unprocessable } from '#kernel';
import { partsOf } from './calendar/civil-date.js';
import { clocksFor, type ClocksInput, type LegalClock } from './clocks.js';
import type { CivilDate } from './deadline-row.js';
import { assertMayExtend, assertRunsUnder, deadlineRow } from './deadline-rules.js';
import type { RegimeId } from './regimes.js';

/** Why and since when the person knows. */
export interface ExtensionDecision {
  regime: RegimeId;
  /** One of the row's reasons: `complexity`, `number-of-requests` (EU, UK), `necessary` (California). */
  reason: string;
  /** Day on which the notice with the reason was sent. */
  noticeOn: CivilDate;
}

/**
 * The answer clock as it stands after the extension.
 * @throws 422 `regime-not-of-request`, `extension-not-allowed-by-regime`, `extension-reason-required`, `extension-notice-late`
 */
export function assertExtension(input: ClocksInput, decision: ExtensionDecision): LegalClock {
  const { regime, reason, noticeOn } = decision;
  partsOf(noticeOn);
  assertRunsUnder(input.regimes, regime);
  const { reasons } = assertMayExtend(deadlineRow(regime, input.type, input.receivedOn, input.overrides));
  if (!reasons.includes(reason)) {
    throw unprocessable('extension-reason-required', {
      detail: 'Name the reason for the extension as the law knows it.',
      extra: { regime, reasons },
    });
  }
  const before = clocksFor({ ...input, regimes: [regime], extended: {} });
  const notice = before.find(({ kind }) => kind === 'extension-notice');
  if (notice && noticeOn > notice.dueOn) {
    throw unprocessable('extension-notice-late', {
      detail: 'The notice of an extension must reach out inside the first period, which is over. Answer now.',
      extra: { regime, noticeDueOn: notice.dueOn },
    });
  }
  const after = clocksFor({ ...input, regimes: [regime], extended: { [regime]: true } });
  const answer = after.find(({ kind }) => kind === 'respond');
  if (!answer) throw new Error('a row with an extension must have an answer');
  return answer;
}
