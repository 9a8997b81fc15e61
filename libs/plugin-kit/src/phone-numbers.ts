/** Telephone numbers as systems keep them: which spelling is one number for certain, and under which others it may stand. */
import * as z from 'zod';

/** How a system writes the numbers of its own country, so that they are certain there. */
export const nationalPhonesSchema = z
  .strictObject({
    callingCode: z
      .string()
      .regex(/^[1-9]\d{0,2}$/)
      .describe('Country of numbers that name none, e.g. 49'),
    trunkPrefix: z
      .string()
      .regex(/^\d{0,2}$/)
      .default('0')
      .describe('What stands before such a number and is no part of it; empty where nothing does'),
  })
  .describe('Without it a number that names no country is shown to an officer as a candidate and never followed');

export type NationalPhones = z.infer<typeof nationalPhonesSchema>;

// Assigned codes of ITU-T E.164; none is the beginning of another.
const CALLING_CODE = /^(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})/;

/**
 * The one spelling that is compared, `+4930100`; digits alone (`030100`) where nobody knows of which country it is.
 * @param national how the system that holds the number writes its own country's
 */
export function foldPhone(value: string, national?: NationalPhones): string {
  const text = value
    .normalize('NFKC')
    .trim()
    .replace(/^tel:/i, '')
    .replace(/^((?:\+|00)[\d\s]*)\(0\)/, '$1');
  const digits = text.replace(/\D/g, '');
  if (text.startsWith('+')) return `+${digits}`;
  if (digits.startsWith('00')) return `+${digits.slice(2)}`;
  if (national && digits.startsWith(national.trunkPrefix))
    return `+${national.callingCode}${digits.slice(national.trunkPrefix.length)}`;
  return national && digits.startsWith(national.callingCode) ? `+${digits}` : digits;
}

/** True when a folded number names its country: another one leads to nobody for certain. */
export function isCertainPhone(folded: string): boolean {
  return folded.startsWith('+');
}

/**
 * All digits under which a number may stand in a system. They are more than what is certain: a row that `foldPhone` does not
 * fold to the number asked for is doubtful, and doubtful rows are shown instead of missed.
 */
export function phoneForms(value: string, national?: NationalPhones): string[] {
  const folded = foldPhone(value);
  if (!isCertainPhone(folded)) return folded === '' ? [] : [folded];
  const digits = folded.slice(1);
  const domestic = national !== undefined && digits.startsWith(national.callingCode);
  const code = domestic ? national.callingCode : (CALLING_CODE.exec(digits)?.[0] ?? '');
  const rest = digits.slice(code.length);
  const international = [digits, `00${digits}`, `${code}0${rest}`];
  // Where numbers that name no country are all of another one, they are other people's.
  if (national && !domestic) return international;
  return [...international, rest, `${national?.trunkPrefix ?? '0'}${rest}`];
}
