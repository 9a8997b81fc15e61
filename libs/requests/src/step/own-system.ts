/** Lethe's own part of a plan, in the same shape as every other system's. Pure. */
import type { SubjectId } from '#kernel';
import type { CivilDate } from '#law';
import type { HoldFact, RecordDecision } from '../plan/decision.js';
import { keptTarget, type KeptTarget } from './kept-target.js';
import { evidenceUntil } from '../evidence.js';
import { OWN_DATASETS } from '../opening/own-records.js';
import { decisionsOf } from '../plan/planned-decisions.js';
import type { PlannedSystem } from '../plan/plan.js';
import { LETHE_ITSELF } from '../request.js';

export interface OwnTargets {
  system: PlannedSystem;
  targets: KeptTarget[];
}

export interface OwnFacts {
  type: 'access' | 'erasure';
  ground: string;
  today: CivilDate;
  subjects: readonly SubjectId[];
  hold: HoldFact | undefined;
  /** Last day on which anything of the request is kept elsewhere: until then its case file must open. */
  keptUntil: CivilDate | null;
}

/** Identity goes at once; the evidence classes stay restricted and dated, because the law demands them. */
export function ownSystem(facts: OwnFacts): OwnTargets {
  const targets: KeptTarget[] = [];
  const datasets = OWN_DATASETS.map(({ name, title, citation }) => {
    const decision = decide(facts, name, citation);
    const judged = facts.subjects.map((ref) => ({
      record: { itemKey: 'plan', dataset: name, ref, count: 1 },
      decision,
    }));
    targets.push(...judged.map(keptTarget));
    return { name, title, categories: [], schemaHash: 'v1', decisions: decisionsOf(judged), leftAlone: 0 };
  });
  const version = { pluginId: LETHE_ITSELF, pluginVersion: '1', contentHash: LETHE_ITSELF, configVersion: 1 };
  const place = { role: 'own', legalEntity: '', country: '', isolation: 'none' };
  return { system: { connectionId: LETHE_ITSELF, name: 'Lethe itself', ...version, ...place, datasets }, targets };
}

function decide(
  { type, ground, today, hold, keptUntil }: OwnFacts,
  dataset: string,
  citation: string | null,
): RecordDecision {
  if (type === 'access') return { action: 'read', judgement: { kind: 'ground-met', ruleId: ground } };
  if (hold) {
    const ruleId = `hold:${hold.id}`;
    return { action: 'retain', ruleId, judgement: { kind: 'exception', ruleId, citation: hold.ground, until: null } };
  }
  if (citation === null) return { action: 'erase', judgement: { kind: 'ground-met', ruleId: ground } };
  const ruleId = `lethe:${dataset}`;
  return {
    action: 'retain',
    ruleId,
    judgement: { kind: 'exception', ruleId, citation, until: untilOf(dataset, today, keptUntil) },
  };
}

/** The case file holds what later erasures need: it outlives the last of them. */
function untilOf(dataset: string, today: CivilDate, keptUntil: CivilDate | null): CivilDate {
  const until = evidenceUntil(today);
  return dataset === 'cases' && keptUntil !== null && keptUntil > until ? evidenceUntil(keptUntil) : until;
}
