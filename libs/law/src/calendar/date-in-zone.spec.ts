/** The date of receipt, against offsets computed from the daylight-saving laws instead of a zone database. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { dateInZone } from '../index.js';

const HOUR = 3_600_000;
const sundayOnOrAfter = (year: number, month: number, day: number, hour: number): number => {
  const first = new Date(Date.UTC(year, month - 1, day, hour));
  return first.getTime() + ((7 - first.getUTCDay()) % 7) * 24 * HOUR;
};

/** Directive 2000/84/EC: last Sunday of March to last Sunday of October, 01:00 UTC. */
const berlin = (at: number): number => {
  const year = new Date(at).getUTCFullYear();
  return at >= sundayOnOrAfter(year, 3, 25, 1) && at < sundayOnOrAfter(year, 10, 25, 1) ? 2 : 1;
};
/** 15 U.S.C. 260a: second Sunday of March to first Sunday of November, 02:00 local. */
const losAngeles = (at: number): number => {
  const year = new Date(at).getUTCFullYear();
  return at >= sundayOnOrAfter(year, 3, 8, 10) && at < sundayOnOrAfter(year, 11, 1, 9) ? -7 : -8;
};
const ZONES: Record<string, (at: number) => number> = {
  UTC: () => 0,
  'Europe/Berlin': berlin,
  'America/Los_Angeles': losAngeles,
  'Asia/Kolkata': () => 5.5,
  'Pacific/Kiritimati': () => 14,
};

describe('the date of receipt', () => {
  it('is the one on the wall of the controller', () => {
    const late = new Date('2026-06-30T22:30:00Z');
    expect(dateInZone(late, 'Europe/Berlin')).toBe('2026-07-01');
    expect(dateInZone(late, 'Europe/London')).toBe('2026-06-30');
    expect(dateInZone(new Date('2026-01-31T23:30:00Z'), 'Europe/Berlin')).toBe('2026-02-01');
    expect(dateInZone(new Date('2026-03-01T07:59:59Z'), 'America/Los_Angeles')).toBe('2026-02-28');
  });

  it('agrees with the daylight-saving laws at any instant, the switches included', () => {
    const instants = fc.oneof(
      fc.integer({ min: Date.UTC(2019, 0, 1), max: Date.UTC(2036, 0, 1) }),
      // Around midnight, where an hour decides.
      fc
        .tuple(fc.integer({ min: 17_900, max: 24_000 }), fc.integer({ min: -9, max: 9 }))
        .map(([d, h]) => (d * 24 + h) * HOUR),
    );
    fc.assert(
      fc.property(instants, fc.constantFrom(...Object.keys(ZONES)), (at, zone) => {
        const wall = new Date(at + (ZONES[zone]?.(at) ?? 0) * HOUR).toISOString().slice(0, 10);
        expect(dateInZone(new Date(at), zone)).toBe(wall);
      }),
      { numRuns: 2000 },
    );
  });

  it('needs a known zone', () => {
    expect(() => dateInZone(new Date(0), 'Mars/Olympus')).toThrow(
      expect.objectContaining({ code: 'time-zone-unknown' }),
    );
  });
});
