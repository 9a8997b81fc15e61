/** From an instant to the date on the controller's wall: the one place where time zones and daylight saving matter. */
import { unprocessable } from '#kernel';
import type { CivilDate } from '../deadline-row.js';

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * The date at `instant` in an IANA zone such as `Europe/Berlin`, as `YYYY-MM-DD`.
 * A request that comes at 23:30 UTC on 30 June reached a controller in Berlin on 1 July.
 * An unknown zone is refused with 422 `time-zone-unknown`.
 */
export function dateInZone(instant: Date, timeZone: string): CivilDate {
  const parts = formatFor(timeZone).formatToParts(instant);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((found) => found.type === type)?.value ?? '';
  return `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`;
}

function formatFor(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = newFormat(timeZone);
  formats.set(timeZone, format);
  return format;
}

function newFormat(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
  } catch {
    throw unprocessable('time-zone-unknown', 'Give an IANA time zone such as Europe/Berlin.');
  }
}
