/** Base64 as C2SP texts use it (RFC 4648 section 4), read strictly: one text for one value, or a changed byte would pass. */

/** The bytes of a padded base64 text, or `undefined` when it is not exactly what encoding those bytes gives. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** The number written as ASCII decimal without leading zeroes, or `undefined` for any other text. */
export function decodeDecimal(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
