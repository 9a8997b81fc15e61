/** The one question most systems ask: may I? */
import type { LetheClient } from './client.js';

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

/** True when the purpose may be pursued for the person now. Never rejects: an unreachable Lethe answers `onUnavailable`. */
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
  } catch {
    return onUnavailable === 'permit';
  }
}
