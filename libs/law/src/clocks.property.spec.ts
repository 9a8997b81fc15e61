/** Clocks against an independent model: Julian day numbers, days walked one by one, holidays told by predicates. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { clocksFor, explainDue, leading, type RegimeId } from './index.js';

// The model. It shares nothing with the engine: no Date, no rows, no period arithmetic; it walks.

type Day = readonly [year: number, month: number, day: number];
type Holiday = (day: Day) => boolean;

/** Fliegel and Van Flandern, 1968. */
const julian = ([y, m, d]: Day): number => {
  const a = Math.trunc((m - 14) / 12);
  return (
    Math.trunc((1461 * (y + 4800 + a)) / 4) +
    Math.trunc((367 * (m - 2 - 12 * a)) / 12) -
    Math.trunc((3 * Math.trunc((y + 4900 + a) / 100)) / 4) +
    d -
    32_075
  );
};
const tomorrow = ([y, m, d]: Day): Day => {
  const next: Day = [y, m, d + 1];
  const firstOfNext: Day = m === 12 ? [y + 1, 1, 1] : [y, m + 1, 1];
  return julian(next) >= julian(firstOfNext) ? firstOfNext : next;
};
const text = ([y, m, d]: Day): string => [y, `0${m}`.slice(-2), `0${d}`.slice(-2)].join('-');
const mondayFirst = (day: Day): number => julian(day) % 7; // 0 is Monday
const weekend: Holiday = (day) => mondayFirst(day) > 4;

/** Easter from the epact (Clavius, by way of Knuth): another computus than the engine's. */
const easter = (y: number): number => {
  const golden = (y % 19) + 1;
  const century = Math.floor(y / 100) + 1;
  const skipped = Math.floor((3 * century) / 4) - 12;
  const moon = Math.floor((8 * century + 5) / 25) - 5;
  const sunday = Math.floor((5 * y) / 4) - skipped - 10;
  let epact = (((11 * golden + 20 + moon - skipped) % 30) + 30) % 30;
  if ((epact === 25 && golden > 11) || epact === 24) epact += 1;
  let full = 44 - epact;
  if (full < 21) full += 30;
  return julian([y, 3, 1]) - 1 + full + 7 - ((sunday + full) % 7);
};
const on = (...dates: string[]): Holiday => {
  const set = new Set(dates);
  return (day) => set.has(text(day).slice(5)) || set.has(text(day));
};
const fromEaster =
  (...offsets: number[]): Holiday =>
  (day) =>
    offsets.includes(julian(day) - easter(day[0]));
const either =
  (...rules: Holiday[]): Holiday =>
  (day) =>
    rules.some((rule) => rule(day));

const germany = either(on('01-01', '05-01', '10-03', '12-25', '12-26'), fromEaster(-2, 1, 39, 50));
const berlin = either(germany, on('03-08', '2025-05-08'));
const saxony = either(
  germany,
  on('10-31'),
  ([y, m, d]) => m === 11 && mondayFirst([y, m, d]) === 2 && d > 15 && d < 23,
);
const france = either(
  on('01-01', '05-01', '05-08', '07-14', '08-15', '11-01', '11-11', '12-25'),
  fromEaster(1, 39, 50),
);
/** A day given in lieu: counted back over weekend days and the other holiday. */
const england: Holiday = (day) => {
  const [y, m, d] = day;
  const monday = mondayFirst(day) === 0;
  if (['2022-06-02', '2022-06-03', '2022-09-19', '2023-05-08'].includes(text(day)) || fromEaster(-2, 1)(day))
    return true;
  if (monday && m === 5 && (d <= 7 || (d > 24 && y !== 2022))) return true;
  if (monday && m === 8 && d > 24) return true;
  if (m === 1) return d === 1 || (monday && (d === 2 || d === 3));
  if (m !== 12) return false;
  // 25 and 26 December; Monday 27 and Tuesday 28, or Tuesday 27, when one or both fell on a weekend.
  const weekday = mondayFirst(day);
  return d === 25 || d === 26 || (d === 27 && weekday < 2) || (d === 28 && weekday < 2);
};
const HOLIDAYS: Record<string, Holiday> = { 'DE-BE': berlin, 'DE-SN': saxony, FR: france, 'GB-ENG': england };

const federal: Holiday = (day) => {
  const [, m, d] = day;
  const weekday = mondayFirst(day);
  const nth = Math.ceil(d / 7);
  if (weekday === 0 && ((m === 1 && nth === 3) || (m === 2 && nth === 3) || (m === 5 && d > 24))) return true;
  if (weekday === 0 && ((m === 9 && nth === 1) || (m === 10 && nth === 2))) return true;
  if (weekday === 3 && m === 11 && nth === 4) return true;
  const fixed = (at: Day) => ['01-01', '06-19', '07-04', '11-11', '12-25'].includes(text(at).slice(5));
  const eve = weekday === 4 && fixed(tomorrow(day));
  const after = weekday === 0 && d > 1 && fixed([day[0], m, d - 1]);
  return fixed(day) || eve || after;
};

interface Case {
  regime: RegimeId;
  territory: string | undefined;
  received: Day;
  extended: boolean;
  pauses: { from: number; length: number }[];
  identifiedAfter: number;
}

const walk = (day: Day, steps: number): Day => (steps === 0 ? day : walk(tomorrow(day), steps - 1));

/** Looks for the day, walking from the start, that a reader of the law would point at. */
const model = ({ regime, territory, received, extended, pauses, identifiedAfter }: Case): string => {
  if (regime === 'us-ca') return text(walk(received, extended ? 90 : 45));
  const start = regime === 'uk-gdpr' ? walk(received, identifiedAfter) : received;
  const wanted = start[0] * 12 + start[1] + (extended ? 3 : 1);
  let end = start;
  let needed = 1;
  const reached = () => end[0] * 12 + end[1] === wanted && (end[2] === start[2] || tomorrow(end)[1] !== end[1]);
  for (; !reached(); needed += 1) end = tomorrow(end);
  const stopped = (day: Day) =>
    pauses.some(({ from, length }) => {
      const first = julian(received) + from;
      return julian(day) >= first && julian(day) <= first + length;
    });
  let day = start;
  for (let counted = stopped(day) ? 0 : 1; counted < needed; counted += stopped(day) ? 0 : 1) day = tomorrow(day);
  const inArea = territory !== undefined && territory.startsWith('GB') === (regime === 'uk-gdpr');
  const holiday = inArea ? (HOLIDAYS[territory] ?? weekend) : weekend;
  while (weekend(day) || holiday(day)) day = tomorrow(day);
  return text(day);
};

// The cases: any day, with the awkward ones made frequent.

const day: fc.Arbitrary<Day> = fc.oneof(
  fc.integer({ min: 0, max: 7000 }).map((offset): Day => walk2021(offset)),
  fc
    .record({
      year: fc.integer({ min: 2021, max: 2039 }),
      month: fc.integer({ min: 1, max: 12 }),
      back: fc.nat({ max: 3 }),
    })
    .map(({ year, month, back }) => endOf(year, month, back)),
  fc.constantFrom(2024, 2028, 2032, 2036).map((leap): Day => [leap, 2, 29]),
);
const START = julian([2021, 6, 1]);
const byNumber = new Map<number, Day>();
for (let at: Day = [2021, 6, 1]; at[0] < 2042; at = tomorrow(at)) byNumber.set(julian(at), at);
const walk2021 = (offset: number): Day => byNumber.get(START + offset) ?? [2021, 6, 1];
const endOf = (year: number, month: number, back: number): Day => {
  const next: Day = month === 12 ? [year + 1, 1, 1] : [year, month + 1, 1];
  return byNumber.get(julian(next) - 1 - back) ?? [2024, 2, 29];
};

const cases: fc.Arbitrary<Case> = fc.record({
  regime: fc.constantFrom<RegimeId>('eu-gdpr', 'uk-gdpr', 'us-ca'),
  territory: fc.constantFrom(undefined, 'DE-BE', 'DE-SN', 'FR', 'GB-ENG'),
  received: day,
  extended: fc.boolean(),
  pauses: fc.array(fc.record({ from: fc.nat({ max: 120 }), length: fc.nat({ max: 20 }) }), { maxLength: 4 }),
  identifiedAfter: fc.oneof(fc.constant(0), fc.nat({ max: 40 })),
});

const inputOf = ({ regime, territory, received, extended, pauses, identifiedAfter }: Case) => ({
  regimes: [regime],
  type: 'access' as const,
  receivedOn: text(received),
  territory,
  identifiedOn: text(walk(received, identifiedAfter)),
  extended: extended ? { [regime]: true as const } : {},
  pauses:
    regime === 'uk-gdpr'
      ? pauses.map(({ from, length }) => ({
          regime,
          from: text(walk(received, from)),
          to: text(walk(received, from + length)),
        }))
      : [],
});
const onlyUkPauses = (one: Case): Case => (one.regime === 'uk-gdpr' ? one : { ...one, pauses: [] });

describe('any request', () => {
  it('is due on the day the model walks to', () => {
    fc.assert(
      fc.property(cases, (one) => {
        expect(leading(clocksFor(inputOf(one)))?.effectiveDueOn).toBe(model(onlyUkPauses(one)));
      }),
      { numRuns: 3000 },
    );
  });

  it('is acknowledged in California on the tenth day that is neither weekend nor federal holiday', () => {
    fc.assert(
      fc.property(day, (received) => {
        let at = received;
        for (let counted = 0; counted < 10; counted += weekend(at) || federal(at) ? 0 : 1) at = tomorrow(at);
        const clocks = clocksFor({ regimes: ['us-ca'], type: 'erasure', receivedOn: text(received) });
        expect(clocks.find(({ kind }) => kind === 'acknowledge')?.dueOn).toBe(text(at));
      }),
      { numRuns: 1000 },
    );
  });

  it('has sorted clocks, an extension no earlier than the first date, and an explanation that ends in the due date', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const input = { ...inputOf(one), regimes: ['eu-gdpr', 'uk-gdpr', 'us-ca'] as const };
        const clocks = clocksFor(input);
        const dates = clocks.map(({ effectiveDueOn }) => effectiveDueOn);
        expect(dates).toEqual([...dates].sort());
        for (const { dueOn, extendedDueOn = dueOn } of clocks) expect(extendedDueOn >= dueOn).toBe(true);
        expect(explainDue(input).at(-1)).toContain(leading(clocks)?.effectiveDueOn);
      }),
      { numRuns: 300 },
    );
  });

  it('would be caught by the model if months overflowed or extensions ran from the rolled date (control)', () => {
    const naive = ({ received, extended, ...one }: Case): string => {
      const first = new Date(Date.UTC(received[0], received[1], received[2]));
      const rolled = clocksFor(inputOf({ ...one, received, extended: false }))[0]?.dueOn ?? '';
      const base = extended ? new Date(`${rolled}T00:00:00Z`) : first;
      if (extended) base.setUTCMonth(base.getUTCMonth() + 2);
      while ([0, 6].includes(base.getUTCDay())) base.setUTCDate(base.getUTCDate() + 1);
      return base.toISOString().slice(0, 10);
    };
    for (const extended of [false, true]) {
      const plain = cases.map((one): Case => ({
        ...one,
        regime: 'eu-gdpr',
        territory: undefined,
        pauses: [],
        identifiedAfter: 0,
        extended,
      }));
      expect(
        fc.check(
          fc.property(plain, (one) => naive(one) === model(one)),
          { numRuns: 1000 },
        ).failed,
      ).toBe(true);
    }
  });
});
