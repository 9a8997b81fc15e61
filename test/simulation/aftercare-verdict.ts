/** Judges the years after an answer: whatever is said to have been erased when its reason ended is gone where it was. */
import type { CaseFile } from '../../libs/requests/src/case-file.js';
import { LETHE_ITSELF, streamOf } from '../../libs/requests/src/request.js';
import { TENANT } from './memory-ledger.js';
import type { Simulation } from './simulation.js';
import type { WorldRow } from './world.js';

/** The rows of every step, by its id, in the order of its targets. */
export type StepRows = ReadonlyMap<string, readonly (WorldRow | undefined)[]>;

/** To be read before the years pass: the case files that name them end on the way. */
export async function rowsOfSteps(sim: Simulation, file: CaseFile): Promise<StepRows> {
  const rows = new Map<string, (WorldRow | undefined)[]>();
  for (const state of sim.requests)
    for (const step of [...state.steps, ...state.formerSteps]) {
      const targets = await file.targets(TENANT, state.id, step);
      const found = targets.map(({ dataset, ref }) => sim.world.find(step.connectionId, dataset, ref));
      rows.set(step.stepId, found);
    }
  return rows;
}

export function judgeAftercare(sim: Simulation, rows: StepRows): void {
  for (const state of sim.requests) {
    const said = sim.ledger.load(streamOf(state.id)).filter(({ type }) => type === 'AftercareDone.v1');
    const erased = new Set(said.flatMap(({ data }) => (data['kind'] === 'erased' ? [data['aftercareId']] : [])));
    for (const { aftercareId, connectionId, stepId, targets } of state.aftercare) {
      if (connectionId === LETHE_ITSELF || !erased.has(aftercareId)) continue;
      for (const index of targets) {
        const row = rows.get(stepId)?.[index];
        if (row && !row.gone)
          sim.violations.push(`said to be erased, and there: ${row.system}/${row.dataset}/${row.ref}`);
      }
    }
  }
}
