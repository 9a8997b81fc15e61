// Rounds, medians and spreads. A figure without its spread says nothing on a shared machine.

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {number[]} values */
export function spread(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** `at` of 0.5 is the median; of already sorted values. */
function quantile(sorted, at) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}

/**
 * Keeps `concurrency` calls of `work` under way for some seconds; what was begun in time is waited for and counted.
 *
 * @returns {Promise<{perSecond: number, p50: number, p99: number, count: number}>} latencies in milliseconds
 */
export async function closedLoop(concurrency, seconds, work) {
  const latencies = [];
  const begun = performance.now();
  const until = begun + seconds * 1000;
  const one = async () => {
    for (let from = performance.now(); from < until;) {
      await work();
      const now = performance.now();
      latencies.push(now - from);
      from = now;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, one));
  return figures(latencies, performance.now() - begun);
}

/** Figures of a run from its latencies in milliseconds. */
export function figures(latencies, milliseconds) {
  const sorted = Float64Array.from(latencies).sort();
  return {
    perSecond: (sorted.length / milliseconds) * 1000,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    count: sorted.length,
  };
}

/**
 * Runs the sides in turn, round after round, each round beginning with another side; a first, uncounted round warms up.
 *
 * @template {string} Side
 * @param {Record<Side, (seconds: number) => Promise<object>>} sides
 * @param {{rounds: number, seconds: number, warmup: number}} plan
 * @returns {Promise<Record<Side, object[]>>} figures by side and round
 */
export async function interleave(sides, { rounds, seconds, warmup }, say = () => undefined) {
  const names = Object.keys(sides);
  const found = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) await sides[name](warmup);
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + turn) % names.length];
      found[name].push(await sides[name](seconds));
    }
    const parts = names.map((name) => `${name} ${Math.round(found[name][round].perSecond)}/s`);
    say(`    round ${round + 1} of ${rounds}: ${parts.join(', ')}`);
  }
  return found;
}

/** Ratio of two sides, round by round. */
export function ratios(ours, theirs) {
  return spread(ours.map((one, round) => one.perSecond / theirs[round].perSecond));
}
