/** The published example of Standard Webhooks, and rotation. */
import { describe, expect, it } from '@jest/globals';
import { nextAttempt, retryAfterOf, RETRY_FOR_MS, restUntil } from './delivery-retry.js';
import { newSecret, signatureHeaders } from './standard-webhooks.js';
import { durationMs } from '../system.js';
import { rotated, signingSecrets } from './webhook-endpoint.js';

describe('a signature', () => {
  it('is the one of the published example', () => {
    const headers = signatureHeaders(
      ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      new Date(1614265330 * 1000),
      '{"test": 2432232314}',
    );
    expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
    expect(newSecret()).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  });

  it('is made with every secret in force, the newest first; a second rotation shortens the first overlap', () => {
    const at = (hour: number): Date => new Date(Date.UTC(2026, 0, 1, hour));
    const first = rotated({ url: '', secrets: [{ secret: 'a', until: null }] }, 'b', at(24), at(0));
    expect(signingSecrets(first, at(23))).toEqual(['b', 'a']);
    expect(signingSecrets(first, at(24))).toEqual(['b']);
    const second = rotated(first, 'c', at(10), at(2));
    expect(signingSecrets(second, at(3))).toEqual(['c', 'b', 'a']);
    expect(signingSecrets(second, at(10))).toEqual(['c']);
    expect(signingSecrets(rotated(second, 'd', at(4), at(4)), at(4))).toEqual(['d']);
  });
});

describe('the next attempt', () => {
  const start = new Date('2026-01-01T00:00:00Z');
  const later = (ms: number): Date => new Date(start.getTime() + ms);

  it('comes later each time, within bounds of chance, never before Retry-After, and ends after 72 hours', () => {
    const of = (attempts: number, chance: number, now = start, retryAfterMs?: number): number | undefined =>
      nextAttempt({ attempts, firstAt: start, now, retryAfterMs }, () => chance)?.getTime();
    expect(of(1, 0)).toBe(later(2_500).getTime());
    expect(of(1, 0.999)).toBeLessThan(later(5_000).getTime());
    expect(of(30, 0)).toBe(later(3 * 3_600_000).getTime());
    expect(of(1, 0, start, 60_000)).toBe(later(60_000).getTime());
    expect(of(30, 0, later(RETRY_FOR_MS - 1))).toBe(later(RETRY_FOR_MS).getTime());
    expect(of(1, 0, start, 10 * RETRY_FOR_MS)).toBe(later(RETRY_FOR_MS).getTime());
    expect(of(1, 0, later(RETRY_FOR_MS))).toBeUndefined();
  });

  it('reads Retry-After as seconds and as a date, and lets an endpoint rest for a minute at most by itself', () => {
    expect(retryAfterOf('120', start)).toBe(120_000);
    expect(retryAfterOf('Thu, 01 Jan 2026 00:01:00 GMT', start)).toBe(60_000);
    expect([retryAfterOf('soon', start), retryAfterOf(undefined, start)]).toEqual([undefined, undefined]);
    expect(restUntil(1, start)).toEqual(later(1_000));
    expect(restUntil(50, start)).toEqual(later(60_000));
    expect(restUntil(1, start, 7_200_000)).toEqual(later(7_200_000));
  });
});

describe('a deadline', () => {
  it('is an ISO 8601 duration of days and smaller', () => {
    expect(['PT15M', 'P1D', 'P1DT1H1M1S', 'PT0S'].map(durationMs)).toEqual([900_000, 86_400_000, 90_061_000, 0]);
    for (const text of ['', 'P', 'PT', 'P1Y', 'P1M', '15M', 'PT1.5S', 'P1DT']) expect(durationMs(text)).toBeNaN();
  });
});
