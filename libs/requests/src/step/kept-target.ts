/** A located record with its decision, as it is kept sealed before anything is done: enough for every later attempt. Pure. */
import type { CivilDate } from '#law';
import type { Dataset, Target } from './connected.js';
import type { Judged } from '../plan/planned-decisions.js';

/** `until` and `citation` stay here: a connector never sees law. */
export interface KeptTarget extends Target {
  until?: CivilDate | null;
  citation?: string;
}

/** The decision, and not the identifiers that were read: those stand in the plan. */
export function keptTarget({ record, decision }: Judged): KeptTarget {
  const { found: _, blockedBy: __, blockedMessage: ___, ...located } = record;
  const { ruleId, fields, judgement } = decision;
  return {
    ...located,
    action: decision.action === 'read' ? 'retain' : decision.action,
    ...(ruleId === undefined ? {} : { ruleId }),
    ...(fields === undefined ? {} : { fields }),
    ...(judgement.kind === 'ground-met' ? {} : { until: judgement.until }),
    ...(judgement.kind === 'exception' ? { citation: judgement.citation } : {}),
  };
}

/** What a connector is handed, under the key of this effect. */
export function toTarget({ until: _, citation: __, ...target }: KeptTarget, itemKey: string): Target {
  return { ...target, itemKey };
}

/** What is done to a kept record when its day is over: as its table map says, and never deleting what concerns others too. */
export function actionAfter(
  { sharedWith }: Pick<KeptTarget, 'sharedWith'>,
  dataset: Pick<Dataset, 'action'> | undefined,
): 'erase' | 'anonymise' | 'detach' {
  const mapped = dataset?.action;
  if (mapped === 'anonymise' || mapped === 'detach') return mapped;
  return sharedWith === undefined ? 'erase' : 'detach';
}
