/** Tryton's refusals name the person ("You cannot erase party "…" while…"): only wording known to be free of names leaves. */

const KNOWN: [RegExp, string][] = [
  [/pending sales/, 'You cannot erase the party while they have pending sales.'],
  [/pending invoices/, 'You cannot erase the party while they have pending invoices.'],
  [/pending receivable\/payable/, 'You cannot erase the party while they have pending receivable/payable.'],
  [/pending shipments/, 'You cannot erase the party while they have pending shipments.'],
  [/still active/, 'The party cannot be erased because they are still active.'],
  [/not allowed to modify the field/, 'You are not allowed to modify the field.'],
  [/not allowed to (search|access)/, 'You are not allowed to access these records.'],
  [/don't exist/, 'The record does not exist.'],
];

const OTHER = 'Tryton refused without a reason that could be repeated here.';

/** The vendor's words for a refusal, without anything a record could have put into them. */
export function refusalText(message: string): string {
  // What stands between the first and the last quotation mark may come from a record, quotation marks included.
  const open = message.indexOf('"');
  const outside = open < 0 ? message : `${message.slice(0, open)} ${message.slice(message.lastIndexOf('"') + 1)}`;
  // A name that itself contains such words could only swap one fixed sentence for another.
  const known = KNOWN.find(([pattern]) => pattern.test(outside)) ?? KNOWN.find(([pattern]) => pattern.test(message));
  return known?.[1] ?? OTHER;
}
