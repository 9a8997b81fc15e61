/** Runs one seed from the first letter to the last verdict. */
import { CaseFile } from '../../libs/requests/src/case-file.js';
import { Sealer } from '#subjects';
import { judgeAftercare, rowsOfSteps } from './aftercare-verdict.js';
import { memoryKeyProvider, memoryKeys } from './neighbours.js';
import type { Plant } from './plants.js';
import { Simulation } from './simulation.js';
import { judge, judgeCaseFiles, judgeEffects, judgeLastYear, judgeVisibility } from './verdicts.js';

export interface SeedResult {
  seed: number;
  violations: string[];
  trace: string[];
}

/** Every `LATER`th seed also lives through the years after the answer. */
const LATER = 5;

export async function runSeed(seed: number, plant?: Plant): Promise<SeedResult> {
  const sim = new Simulation(seed, plant);
  const { violations, trace } = sim;
  await sim.storm(120 + sim.chance.below(160));
  judgeVisibility(sim);
  const stormEnd = sim.world.now;
  try {
    await sim.calm();
  } catch (error) {
    violations.push(`${String(error)}`);
  }
  if (sim.world.now - stormEnd > 400 * 86_400_000) violations.push('it took more than a year to end');
  const file = new CaseFile(new Sealer(memoryKeys(sim.vault)), memoryKeyProvider);
  try {
    await judge(sim, file);
  } catch (error) {
    violations.push(`cannot be judged: ${String(error)}`);
  }
  if (seed % LATER === 0 && violations.length === 0) {
    const rows = await rowsOfSteps(sim, file);
    await sim.later(judgeCaseFiles, judgeLastYear);
    judgeEffects(sim, sim.requests);
    judgeAftercare(sim, rows);
  }
  return { seed, violations, trace };
}
