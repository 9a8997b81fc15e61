/** How long evidence of what was done is kept. */
import type { CivilDate } from '#law';

/** Three years from the year's end: what supervisory practice accepts for evidence (practice, rule 21). */
export function evidenceUntil(today: CivilDate): CivilDate {
  return `${Number(today.slice(0, 4)) + 3}-12-31`;
}
