/** One signed call to a customer's endpoint: what leaves, what may come back, and how its failures are named. */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { PluginFailure } from '#connectors';
import { JsonValue, OutboundFailure, sendGuarded, type GuardedAnswer, type OutboundTrouble } from '#platform';
import { TaskOutcome } from '../task-outcome.js';

type Fail = PluginFailure['fail'];

/** Where a call goes and what signs it. */
export interface RemoteEndpoint {
  url: string;
  /** `whsec_` and base64; several while one is replaced. */
  signingSecrets: readonly string[];
  /** Exact `host:port` that may be inward. */
  allow: readonly string[];
}

/** Work that is done, or that was taken on. */
export type RemoteAnswer =
  | { kind: 'done'; outcomes: TaskOutcome[]; records: z.infer<typeof Done>['records'] }
  | { kind: 'taken-on'; handle: z.infer<typeof TakenOn>['handle']; pollAfterSeconds: number };

const Done = z.object({
  outcomes: z.array(TaskOutcome).max(1000),
  records: z
    .array(
      z.strictObject({
        dataset: z.string().min(1).max(100),
        ref: z.string().min(1).max(500),
        fields: z.record(z.string().max(200), JsonValue),
      }),
    )
    .default([]),
});
const TakenOn = z.object({ handle: JsonValue, pollAfterSeconds: z.number().int().min(1).max(86_400).default(60) });

/** A customer's endpoint has this long; longer work is taken on with 202. */
export const CALL_MS = 30_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Standard Webhooks: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. */
export function signatureOf(signingSecret: string, id: string, seconds: number, body: string): string {
  const key = Buffer.from(signingSecret.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
}

/**
 * Sends one message. `id` is new for every attempt, so that a receiver may refuse a replay.
 *
 * @throws PluginFailure
 */
export async function callRemote(
  endpoint: RemoteEndpoint,
  message: { id: string; at: Date; body: unknown },
  signal?: AbortSignal,
): Promise<GuardedAnswer> {
  const seconds = Math.floor(message.at.getTime() / 1000);
  const body = JSON.stringify(message.body);
  const headers = {
    'content-type': 'application/json',
    'webhook-id': message.id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': endpoint.signingSecrets
      .map((secret) => signatureOf(secret, message.id, seconds, body))
      .join(' '),
  };
  const { url, allow } = endpoint;
  try {
    const answer = await sendGuarded({
      ...{ url, headers, body, allow, timeoutMs: CALL_MS, maxBytes: MAX_ANSWER_BYTES },
      ...(signal ? { signal } : {}),
    });
    const fail = failOf(answer);
    if (fail) throw new PluginFailure(fail, 'refused the call', 'remote');
    return answer;
  } catch (error) {
    if (error instanceof OutboundFailure) throw new PluginFailure(TROUBLE[error.code], 'could not be called', 'remote');
    throw error;
  }
}

/** Reads an answer to a task. Errors: a failure `answer-invalid`, which no repetition mends. */
export function readAnswer({ status, body }: GuardedAnswer): RemoteAnswer {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return status === 202 ? { kind: 'taken-on', ...TakenOn.parse(value) } : { kind: 'done', ...Done.parse(value) };
  } catch {
    // The cause would quote the answer, which may hold personal data.
    throw new PluginFailure({ class: 'bug', code: 'answer-invalid' }, 'answered something else', 'remote');
  }
}

function failOf({ status, headers }: GuardedAnswer): Fail | undefined {
  if (status === 200 || status === 202) return undefined;
  if (status === 429 || status === 503) return { class: 'rate-limit', code: 'remote-busy', ...retryAfter(headers) };
  if (status === 401 || status === 403) return { class: 'auth', code: 'remote-unauthorised' };
  if (status >= 500 || status === 408) return { class: 'transient', code: 'remote-failed' };
  return { class: 'permanent', code: 'remote-refused' };
}

function retryAfter(headers: Record<string, string>): { retryAfterMs?: number } {
  const seconds = Number(headers['retry-after']);
  return seconds > 0 && seconds <= 86_400 ? { retryAfterMs: seconds * 1000 } : {};
}

/** What an administrator must mend, and what may pass. */
const TROUBLE: Record<OutboundTrouble, Fail> = {
  'url-invalid': { class: 'config', code: 'url-invalid' },
  'scheme-refused': { class: 'config', code: 'scheme-refused' },
  'address-refused': { class: 'config', code: 'address-refused' },
  'redirect-refused': { class: 'config', code: 'redirect-refused' },
  'answer-too-large': { class: 'permanent', code: 'answer-too-large' },
  'name-unresolvable': { class: 'transient', code: 'name-unresolvable' },
  timeout: { class: 'transient', code: 'remote-timeout' },
  'connection-failed': { class: 'transient', code: 'connection-failed' },
};
