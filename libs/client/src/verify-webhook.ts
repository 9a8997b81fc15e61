/** Checks that a body came from Lethe: Standard Webhooks signatures, symmetric (`v1`). */

/** A call as any server hands it over. `body` is the raw body: a parsed and rewritten one has another signature. */
export interface SignedCall {
  /** Names in any case; a list is joined. */
  headers: Headers | Record<string, string | string[] | undefined>;
  body: string | Uint8Array;
}

/** How strictly. */
export interface VerifyOptions {
  /** `whsec_…`, one or, while a secret is rotated, several. */
  secret: string | readonly string[];
  /** How far the sender's clock may be off, in seconds. Default 300. */
  toleranceSeconds?: number;
  /** Milliseconds since 1970; the machine's clock when absent. */
  now?: number;
}

/** What was verified. `id` is the same when the call is sent again: keep it to refuse a replay. */
export interface VerifiedWebhook {
  id: string;
  timestamp: Date;
  /** The parsed body. */
  payload: unknown;
}

/** Why a call was refused. Answer 401 and say nothing. */
export class WebhookRefused extends Error {
  constructor(readonly code: 'header-missing' | 'timestamp-outside-tolerance' | 'signature-invalid' | 'body-not-json') {
    super(`the webhook was refused: ${code}`);
    this.name = 'WebhookRefused';
  }
}

/**
 * Verifies `webhook-id`, `webhook-timestamp` and `webhook-signature` over the raw body, in constant time.
 *
 * @throws WebhookRefused; TypeError when it is called with a parsed body or without a secret
 */
export async function verifyWebhook(call: SignedCall, options: VerifyOptions): Promise<VerifiedWebhook> {
  assertUsable(call, options);
  const [id, stamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    headerOf(call.headers, name),
  );
  if (!id || !stamp || !signatures || !/^\d{1,15}$/.test(stamp)) throw new WebhookRefused('header-missing');
  const { toleranceSeconds = 300, now = Date.now() } = options;
  if (Math.abs(now / 1000 - Number(stamp)) > toleranceSeconds) throw new WebhookRefused('timestamp-outside-tolerance');
  const body = typeof call.body === 'string' ? new TextEncoder().encode(call.body) : call.body;
  const signed = joined(new TextEncoder().encode(`${id}.${stamp}.`), body);
  const given = signatures.split(' ').flatMap((one) => (one.startsWith('v1,') ? [one.slice(3)] : []));
  for (const secret of [options.secret].flat())
    for (const signature of given)
      if (await matches(secret, signature, signed))
        return { id, timestamp: new Date(Number(stamp) * 1000), payload: parsed(body) };
  throw new WebhookRefused('signature-invalid');
}

/** Mistakes of the server around this, which no sender can cause. */
function assertUsable({ body }: SignedCall, { secret }: VerifyOptions): void {
  if (typeof body !== 'string' && !(body instanceof Uint8Array))
    throw new TypeError('give the raw body, as text or bytes: a parsed one has another signature');
  const secrets = [secret].flat();
  if (secrets.length === 0 || secrets.some((one) => typeof one !== 'string'))
    throw new TypeError('give `secret`: one text, or [new, old] while it is replaced');
}

function headerOf(headers: SignedCall['headers'], name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return Array.isArray(found) ? found.join(' ') : found;
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(one.length + other.length);
  bytes.set(one);
  bytes.set(other, one.length);
  return bytes;
}

/** Comparing is left to the platform's own verification, which takes the same time for every wrong signature. */
async function matches(secret: string, signature: string, signed: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const raw = bytesOf(secret.replace(/^whsec_/, ''));
  const given = bytesOf(signature);
  if (!raw || !given) return false;
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
  return subtle.verify('HMAC', key, given, signed);
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    throw new WebhookRefused('body-not-json');
  }
}
