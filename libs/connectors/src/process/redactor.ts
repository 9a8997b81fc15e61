/** Takes secret values and identifiers out of text that a plugin wrote, also in the encodings they travel in. */

const REDACTED = '[redacted]';
/** Shorter values would blank out every second word; a secret that short protects nothing. */
const SHORTEST = 4;

/** Replaces every occurrence of the given values, whatever their letter case, by `[redacted]`. */
export class Redactor {
  /** Length of the longest form: text cut in the middle of one keeps at most this much of it. */
  readonly longest: number;
  private readonly pattern: RegExp | undefined;

  constructor(secrets: Iterable<string>, identifiers: Iterable<string> = []) {
    const forms = new Set<string>();
    for (const secret of secrets) for (const form of secretForms(secret)) forms.add(form);
    for (const identifier of identifiers) for (const form of plainForms(identifier)) forms.add(form);
    const needles = [...forms].filter((form) => form.length >= SHORTEST).sort((a, b) => b.length - a.length);
    this.longest = needles[0]?.length ?? 0;
    if (needles.length > 0) this.pattern = new RegExp(needles.map(escape).join('|'), 'gi');
  }

  redact(text: string): string {
    return this.pattern ? text.replace(this.pattern, REDACTED) : text;
  }
}

function plainForms(value: string): string[] {
  return [value, encodeURIComponent(value.toWellFormed()), JSON.stringify(value).slice(1, -1)];
}

function secretForms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const forms = [...plainForms(secret), bytes.toString('hex')];
  // A captured log is read line by line: a private key must not pass as its lines.
  for (const line of secret.split(/\r?\n/)) if (line.length >= 8) forms.push(line);
  // In `Basic` credentials the secret stands at any of three offsets; the characters that depend on its
  // neighbours are left out.
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64url');
    const core = encoded.slice(
      shift === 0 ? 0 : shift + 1,
      encoded.length - ((shift + bytes.length) % 3 === 0 ? 0 : 1),
    );
    if (core.length >= 2 * SHORTEST) forms.push(core, core.replaceAll('-', '+').replaceAll('_', '/'));
  }
  return forms;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
