/** The one question most systems ask: may I? */
import { LetheProblem, type LetheClient } from './client.js';

/** Options of `may`. */
export interface MayOptions {
  channel?: string;
  /** Token of a write that the answer must not be older than. */
  atLeast?: string;
  /** Milliseconds to wait for Lethe. Default 200. */
  timeoutMs?: number;
  /** What to answer when Lethe does not: `deny` unless the purpose cannot be stopped by a person. Default `deny`. */
  onUnavailable?: 'deny' | 'permit';
}

/**
 * True when the purpose may be pursued for the person now. While Lethe cannot answer (unreachable, late, 429, 5xx, a token
 * it has not reached) the answer is `onUnavailable`. An identifier of several people is `false`.
 *
 * @throws LetheProblem when the question itself is wrong, and would be for everybody: a key that is not known or may not ask,
 *   a purpose or an identifier that is none
 */
export async function may(
  client: LetheClient,
  identifier: { type: string; value: string },
  purpose: string,
  options: MayOptions = {},
): Promise<boolean> {
  const { channel, atLeast, timeoutMs = 200, onUnavailable = 'deny' } = options;
  try {
    const { data } = await client.POST('/v1/consents/check', {
      body: {
        subject: { identifiers: [identifier] },
        purpose,
        ...(channel ? { channel } : {}),
        ...(atLeast ? { atLeast } : {}),
      },
      signal: AbortSignal.timeout(timeoutMs),
    });
    return data?.decision === 'permit';
  } catch (error) {
    if (!(error instanceof LetheProblem) || isPassing(error)) return onUnavailable === 'permit';
    if (error.code === 'subject-ambiguous') return false;
    throw error;
  }
}

/** The same question may be answered a little later. */
function isPassing({ status, code }: LetheProblem): boolean {
  return status >= 500 || status === 429 || code === 'position-not-reached';
}
