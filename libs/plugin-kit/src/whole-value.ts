/** A value where it stands for itself in a text: `mate@example.test` is nobody's in `flatmate@example.test`. */

/** Characters that may stand within an address and mostly stand around it. */
const BESIDE = '._%+-';
const SPECIAL = /[.*+?^${}()|[\]\\/]/g;

/**
 * A regular expression, of the kind that PostgreSQL and RE2 read alike, that finds a lower-cased value in a lower-cased
 * text only where no longer word or address holds it. What JSON escapes (`\n`) is no letter before it, and a full stop
 * behind it ends a sentence.
 */
export function wholeValue(value: string): string {
  const literal = value.replace(SPECIAL, '\\$&');
  const before = `(^|[^[:alnum:]${BESIDE}]|\\\\[nrtbf]|\\\\u[0-9a-f]{4})[${BESIDE}]*`;
  const behind = '($|[^[:alnum:].-]|[.-]+($|[^[:alnum:].-]))';
  return `${before}${literal}${behind}`;
}
