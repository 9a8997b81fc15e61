/** What happens to a record, on what ground and until when: the types of a decision and the one order of its rules. Pure. */
import { dutyById, dutyUntil, type CivilDate, type LawOverrides } from '#law';
import type { Action, Dataset, Located } from '../step/connected.js';

/** `read` hands the record over (access); the others are what a connector may do. */
export type PlannedAction = Action | 'read';

/**
 * The judgement on one record (GDPR 17(1), 17(3) "to the extent necessary").
 * `ground-met`: it goes (or is handed over). `not-met`: no ground for erasure yet, lawful to keep. `exception`: a rule keeps it.
 * `until`: last day it is kept, YYYY-MM-DD; null when no day is known.
 */
export type Judgement =
  | { kind: 'ground-met'; ruleId: string }
  | { kind: 'not-met'; why: string; until: CivilDate | null }
  | { kind: 'exception'; ruleId: string; citation: string; until: CivilDate | null; reviewOn?: CivilDate };

/** One record's decision. `fields` are stripped although the record stays. */
export interface RecordDecision {
  action: PlannedAction;
  judgement: Judgement;
  /** Handed to the connector as `Target.ruleId` where something is kept. */
  ruleId?: string;
  fields?: string[];
}

/** A hold that covers the dataset for this person. */
export interface HoldFact {
  id: string;
  ground: string;
  reviewOn: CivilDate | null;
}

/** A retention duty that covers the dataset. */
export interface DutyFact {
  ruleId: string;
  dutyId: string;
  citation: string;
  stripFields: string[];
}

/** What is known about the dataset a record lies in. */
export interface DatasetFacts {
  type: 'access' | 'erasure';
  dataset: Dataset;
  hold?: HoldFact | undefined;
  duty?: DutyFact | undefined;
  /** Restriction of GDPR 18(1)(b) or (c): the person or a claim needs the data kept. */
  restricted?: string | undefined;
  /** Legal ground of the request, e.g. `gdpr-17-1-b`. */
  ground: string;
  today: CivilDate;
  overrides?: LawOverrides | undefined;
}

/** Reasons of a connector that say "whose is it?"; any other reason says "not now" and becomes `not-met`. */
export const IDENTITY_BLOCKERS: readonly string[] = ['ambiguous-identifier', 'candidate-only'];

/** Another person's record that shares a value: shown, never touched, and told apart already, so it blocks nothing. */
export const NOT_THEIRS = 'contradicting-identifier';

/** Rule id of a kept record that no law row names. */
export const keptRule = (why: string): string => `not-met:${why}`;

/**
 * The decision on one record that is certainly this person's: hold > legal duty > restriction > erasure > retention.
 * Records with an identity blocker must not be handed in: nobody may decide about them.
 */
export function decideRecord(
  facts: DatasetFacts,
  record: Pick<Located, 'startsOn' | 'sharedWith' | 'blockedBy'>,
): RecordDecision {
  if (facts.type === 'access') return { action: 'read', judgement: { kind: 'ground-met', ruleId: facts.ground } };
  return (
    underHold(facts) ??
    underDuty(facts, record.startsOn) ??
    notYet(facts.restricted === undefined ? undefined : 'restricted') ??
    notYet(record.blockedBy) ??
    erasure(facts, record)
  );
}

function underHold({ hold }: DatasetFacts): RecordDecision | undefined {
  if (!hold) return undefined;
  const ruleId = `hold:${hold.id}`;
  const review = hold.reviewOn === null ? {} : { reviewOn: hold.reviewOn };
  return {
    action: 'retain',
    ruleId,
    judgement: { kind: 'exception', ruleId, citation: hold.ground, until: null, ...review },
  };
}

/** A duty whose period is over keeps nothing; one without a date to count from keeps the record, since nobody can say it is over. */
function underDuty({ duty, today, overrides }: DatasetFacts, startsOn: string | undefined): RecordDecision | undefined {
  if (!duty) return undefined;
  const row = dutyById(duty.dutyId, overrides);
  const until = row && startsOn !== undefined ? dutyUntil(row, startsOn) : null;
  if (until !== null && until < today) return undefined;
  const { ruleId, citation, stripFields } = duty;
  const judgement: Judgement = { kind: 'exception', ruleId, citation, until };
  return stripFields.length > 0
    ? { action: 'strip', ruleId, fields: stripFields, judgement }
    : { action: 'retain', ruleId, judgement };
}

function notYet(why: string | undefined): RecordDecision | undefined {
  if (why === undefined) return undefined;
  return { action: 'retain', ruleId: keptRule(why), judgement: { kind: 'not-met', why, until: null } };
}

function erasure({ dataset, ground }: DatasetFacts, record: Pick<Located, 'sharedWith'>): RecordDecision {
  const judgement: Judgement = { kind: 'ground-met', ruleId: ground };
  // The table map keeps it without naming a law: shown as what it is, so that an officer approves it knowingly.
  if (dataset.action === 'retain') return notYet('kept-by-table-map')!;
  if (record.sharedWith !== undefined && dataset.action === 'erase') return { action: 'detach', judgement };
  if (dataset.action === 'strip')
    return {
      action: 'strip',
      ruleId: keptRule('stripped-by-table-map'),
      fields: dataset.stripFields,
      judgement: { kind: 'not-met', why: 'stripped-by-table-map', until: null },
    };
  return { action: dataset.action, judgement };
}
