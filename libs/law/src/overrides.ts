/** What counsel has decided about rows: facts that were not read in a primary source stay off until enabled here. */
import type { DeadlineRow, Fact } from './deadline-row.js';
import type { DutyRow } from './duty-row.js';

/** A controller's recorded decisions about law rows; every change of them is an administrative event of its own. */
export interface LawOverrides {
  /** Ids of S and M rows and facts that counsel confirmed, e.g. `de-invoice`, `eu-gdpr/access#pause-identity`. */
  enable?: readonly string[] | undefined;
  /** Ids that counsel switched off. Wins over `enable`. */
  disable?: readonly string[] | undefined;
  /** Rows of the controller's own; one with a known id replaces every version of it. They are enabled as given. */
  deadlineRows?: readonly DeadlineRow[] | undefined;
  dutyRows?: readonly DutyRow[] | undefined;
}

/** The confidence gate: V is on, S and M need an explicit override. */
export function isEnabled(fact: Fact, id: string, overrides: LawOverrides | undefined): boolean {
  if (overrides?.disable?.includes(id)) return false;
  return fact.confidence === 'V' || (overrides?.enable?.includes(id) ?? false);
}
