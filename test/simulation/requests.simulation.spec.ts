/**
 * Acceptance 1: the request engine itself, over clock, chance and I/O that are passed in, in worlds where everything that
 * can happen does. `LETHE_TEST_SEED=<n>` runs one seed again and prints what went on; `LETHE_TEST_SEED_FROM=<n>` begins
 * elsewhere than at seed 1, to explore worlds that nobody has seen, and `LETHE_TEST_SEEDS=<n>` says how many.
 */
import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bundleSeeds, removeBundle, runMany, type Many } from './run-many.js';
import { runSeed } from './run-seed.js';
import { PLANTS } from './plants.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const FULL = process.env['LETHE_TEST_FULL'] === '1';
const ONE = process.env['LETHE_TEST_SEED'];
/** Seeds, or fewer when that time is over first: the whole count takes half an hour of one processor. */
const COUNT = process.env['LETHE_TEST_SEEDS'];
const SEEDS = COUNT !== undefined ? Number(COUNT) : FULL ? 50_000 : LONG ? 6_000 : 1_000;
const AT_MOST_MS = FULL || COUNT !== undefined ? 3 * 3_600_000 : LONG ? 70_000 : 6_000;
/** A planted bug must show within so many seeds. */
const FINDS_WITHIN = 120;
/** Always the same worlds: a red run is the fault of the change that it tests. */
const FROM = Number(process.env['LETHE_TEST_SEED_FROM'] ?? 1);

/** Worlds in which the engine failed once; each bug stays mended. */
const ONCE_RED: [seed: number, found: string][] = [
  [25, 'a withdrawn request whose answer had failed could be planned and begun'],
  [88, 'an answer that failed for good had no way out'],
  [24, 'a hold placed after the approval was not heard'],
  [201, 'a hold placed between two attempts was not heard'],
  [297, 'a reopened objection waited for a plan that it never has'],
  [138, 'a failed answer of a request that was withdrawn midway'],
  [28881, 'an approval that found changes planned a request anew that was withdrawn meanwhile'],
  [9740, 'a plan that another call set aside at once was an error of the service'],
  [1993, 'a record kept by a duty was erased on its day although a contract had begun meanwhile'],
  [27801, 'a re-drive ordered anew, under another key, what a hold kept by then'],
  [699, 'a failed notice hid what the request was waiting for'],
  [218030, 'what the table map keeps was deleted when a duty over it ended'],
  [217010, 'a record shared with others was deleted when its duty was over'],
  [216109, 'a reopened access request handed over the package of the round before'],
  [203015, 'the case files of a person ended while another request of hers was open'],
  [202101, 'a row that was erased before a hold came was said to be kept by it'],
  [200004, 'a repeated request ended in a case where nobody had proven what was proven here'],
  [200020, 'a repeated request ended in a case that was at work already'],
  [200026, 'a repeated request ended in a case that ran under fewer laws'],
  [105, 'the case file ended before evidence that only its list finds, which was left for ever'],
  [402456, 'a record that another request had erased was said to be kept by a hold that was over'],
];

beforeAll(bundleSeeds, 60_000);
afterAll(removeBundle);

if (ONE !== undefined)
  describe(`seed ${ONE}`, () => {
    it('holds', async () => {
      const { violations, trace } = await runSeed(Number(ONE));
      console.info(trace.join('\n'));
      expect(violations).toEqual([]);
    });
  });
else
  describe('the request engine in simulation', () => {
    it.each(ONCE_RED)('holds again in world %i: %s', async (seed) => {
      expect((await runSeed(seed)).violations).toEqual([]);
    });

    it('gives the same course for the same seed', async () => {
      const [one, other] = [await runSeed(7), await runSeed(7)];
      expect(one.trace.length).toBeGreaterThan(50);
      expect(other.trace).toEqual(one.trace);
    });

    it.each(PLANTS)('(control) finds the planted bug %s', async (plant) => {
      let seed = 1;
      while (seed <= FINDS_WITHIN && (await runSeed(seed, plant)).violations.length === 0) seed += 1;
      expect(seed).toBeLessThanOrEqual(FINDS_WITHIN);
    });

    it(
      `keeps its promises over ${SEEDS} seeds from ${FROM}, or as many as ${AT_MOST_MS / 1000} s allow`,
      async () => {
        const done: Many = await runMany(FROM, SEEDS, AT_MOST_MS, Math.min(2, availableParallelism()));
        console.info(`${done.seeds} seeds, ${done.acts} points of choice, ${done.ms} ms`);
        expect(done.failed).toEqual([]);
        expect(done.seeds).toBeGreaterThanOrEqual(FULL ? SEEDS : Math.min(SEEDS, 12));
      },
      AT_MOST_MS + 60_000,
    );
  });
