/** Groups the decisions on single records into what an officer reads and approves. Pure. */
import { legalRule } from '#law';
import type { Located } from '../step/connected.js';
import type { Judgement, RecordDecision } from './decision.js';
import { bandOf, decisionKey, type PlannedDecision } from './plan.js';

/** A record that is certainly the person's, with its decision. */
export interface Judged {
  record: Located;
  decision: RecordDecision;
}

/** One entry per distinct decision, in a stable order. */
export function decisionsOf(judged: readonly Judged[]): PlannedDecision[] {
  const groups = new Map<string, PlannedDecision>();
  for (const { record, decision } of judged) {
    const one = single(decision, record.count);
    const key = decisionKey(one);
    const known = groups.get(key);
    groups.set(key, known ? joined(known, one) : one);
  }
  return [...groups.entries()]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, group]) => ({ ...group, band: bandOf(group.count) }));
}

function single({ action, judgement, fields = [] }: RecordDecision, count: number): PlannedDecision {
  const until = judgement.kind === 'ground-met' ? null : judgement.until;
  const reviewOn = judgement.kind === 'exception' ? (judgement.reviewOn ?? null) : null;
  return {
    action,
    kind: judgement.kind,
    ...ruleOf(judgement),
    untilFrom: until,
    untilTo: until,
    reviewOn,
    fields,
    count,
    band: bandOf(count),
  };
}

function ruleOf(judgement: Judgement): { ruleId: string; citation: string | null } {
  switch (judgement.kind) {
    case 'ground-met':
      return { ruleId: judgement.ruleId, citation: legalRule(judgement.ruleId)?.citation ?? null };
    case 'not-met':
      return { ruleId: `not-met:${judgement.why}`, citation: null };
    case 'exception':
      return { ruleId: judgement.ruleId, citation: judgement.citation };
  }
}

function joined(one: PlannedDecision, other: PlannedDecision): PlannedDecision {
  return {
    ...one,
    count: one.count + other.count,
    untilFrom: pick([one.untilFrom, other.untilFrom], (a, b) => a < b),
    untilTo: pick([one.untilTo, other.untilTo], (a, b) => a > b),
  };
}

function pick(dates: (string | null)[], better: (one: string, other: string) => boolean): string | null {
  return dates.reduce((best, date) => (best === null || (date !== null && better(date, best)) ? date : best), null);
}
