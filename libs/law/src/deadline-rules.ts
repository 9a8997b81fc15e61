/** Picks the row in force for a regime and right, and refuses what the row does not allow. */
import { unprocessable } from '#kernel';
import { BR_LGPD_ROWS } from './rows/br-lgpd.rows.js';
import { partsOf } from './calendar/civil-date.js';
import type { CivilDate, DeadlineRow } from './deadline-row.js';
import { EU_GDPR_ROWS } from './rows/eu-gdpr.rows.js';
import { isEnabled, type LawOverrides } from './overrides.js';
import type { Pause } from './pauses.js';
import type { RegimeId, RequestType } from './regimes.js';
import { UK_GDPR_ROWS } from './rows/uk-gdpr.rows.js';
import { US_CA_ROWS } from './rows/us-ca.rows.js';

/** Every deadline row that ships. */
export const DEADLINE_ROWS: readonly DeadlineRow[] = [...EU_GDPR_ROWS, ...UK_GDPR_ROWS, ...US_CA_ROWS, ...BR_LGPD_ROWS];

/**
 * The row of a regime and right in force on the day of receipt, after the controller's overrides.
 * 422 `request-type-not-available` where no row exists, none was in force, or it waits for counsel.
 */
export function deadlineRow(
  regime: RegimeId,
  type: RequestType,
  receivedOn: CivilDate,
  overrides?: LawOverrides,
): DeadlineRow {
  partsOf(receivedOn);
  const own = overrides?.deadlineRows ?? [];
  const fits = (row: DeadlineRow): boolean =>
    row.regime === regime &&
    row.type === type &&
    row.validFrom <= receivedOn &&
    receivedOn <= (row.validTo ?? '9999-12-31') &&
    !(overrides?.disable?.includes(row.id) ?? false);
  const shipped = DEADLINE_ROWS.filter((row) => !own.some(({ id }) => id === row.id));
  const row = own.find(fits) ?? shipped.find((found) => fits(found) && isEnabled(found, found.id, overrides));
  if (row) return row;
  throw unprocessable('request-type-not-available', {
    detail: 'No enabled deadline row covers this right under this regime on that day; ask counsel to enable one.',
    extra: { regime, type },
  });
}

/** 422 `regime-not-of-request`: a clock that does not run can neither be extended nor stand still. */
export function assertRunsUnder(regimes: readonly RegimeId[], regime: RegimeId): void {
  if (regimes.includes(regime)) return;
  throw unprocessable('regime-not-of-request', {
    detail: 'The request does not run under this regime. Name one of its regimes.',
    errors: [{ pointer: '/regime', code: 'regime-not-of-request' }],
    extra: { regimes },
  });
}

/** 422 `pause-not-allowed-by-regime` unless an enabled pause rule of the row fits, e.g. always in California (7021(b)). */
export function assertMayPause(row: DeadlineRow, reason: Pause['reason'], overrides?: LawOverrides): void {
  const allowed = row.clock.pause.some(
    (rule) =>
      (reason === undefined || rule.reason === reason) &&
      (isEnabled(rule, `${row.id}#pause-${rule.reason}`, overrides) ||
        (overrides?.deadlineRows?.includes(row) ?? false)),
  );
  if (allowed) return;
  throw unprocessable('pause-not-allowed-by-regime', {
    detail:
      'This regime does not let its clock stand still for this right. Extend it with a reason, or answer in time.',
    extra: { regime: row.regime, rule: row.id, citation: row.citation },
  });
}

/** 422 `extension-not-allowed-by-regime` unless the row has an extension. */
export function assertMayExtend(row: DeadlineRow): NonNullable<DeadlineRow['extend']> {
  if (row.extend) return row.extend;
  throw unprocessable('extension-not-allowed-by-regime', {
    detail: 'This regime knows no extension for this right. Answer by the due date.',
    extra: { regime: row.regime, rule: row.id, citation: row.citation },
  });
}
