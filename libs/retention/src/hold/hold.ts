/** A hold: what it covers, and the facts it leaves. Pure. */
import { z } from 'zod';
import { type JsonObject, type SubjectId } from '#kernel';
import { declareEvents, type NewEvent } from '#ledger';
import { legalRule, type CivilDate } from '#law';
import type { Sealed } from '#subjects';

/** `HoldReleased.v1` is what others listen to: what the hold stopped may go on. Its data is `HoldReleased`. */
export const holdEvents = declareEvents('HoldPlaced.v1', 'HoldReleased.v1');

/**
 * What a hold covers; what is null is not limited. Ids only, so that it may stand in a leaf. `connectionId` is a
 * connection's id, or the word by which Lethe names itself in a plan.
 */
export type HoldScope = { subjectId: string | null; connectionId: string | null; dataset: string | null };

/** A hold in force or released, without its sealed part. */
export interface Hold {
  id: string;
  /** Rule id of the exception it rests on, e.g. `gdpr-17-3-e`: a hold is no ground in itself (GDPR 17(3)(e)). */
  ground: string;
  scope: HoldScope;
  reviewOn: CivilDate;
}

/** Data of `HoldReleased.v1`. */
export type HoldReleased = { id: string; scope: HoldScope; reason: Sealed };

/** What is to be erased: records of people (with every alias) in a dataset of a connection. */
export interface Held {
  subjects: readonly SubjectId[];
  connectionId: string;
  dataset: string;
}

export const HoldBody = z
  .strictObject({
    ground: z.string().regex(/^[a-z0-9-]{1,60}$/),
    reason: z.string().min(1).max(2000),
    scope: z.strictObject({
      subject: z
        .strictObject({
          identifiers: z
            .array(z.strictObject({ type: z.string(), value: z.string() }))
            .min(1)
            .max(20),
        })
        .optional(),
      subjectId: z.uuid().optional(),
      connectionId: z.uuid().optional(),
      dataset: z.string().min(1).max(200).optional(),
    }),
    owner: z.string().min(1).max(200),
    reviewOn: z.iso.date(),
  })
  .meta({ id: 'NewHold' });

export const HoldScopeView = z.strictObject({
  subjectId: z.uuid().nullable(),
  connectionId: z.string().nullable(),
  dataset: z.string().nullable(),
});

/** `reason` and `owner` are null when they can no longer be opened, and in a repeated answer: those are kept without words. */
export const HoldView = z
  .strictObject({
    id: z.uuid(),
    ground: z.string(),
    citation: z.string(),
    scope: HoldScopeView,
    reason: z.string().nullable(),
    owner: z.string().nullable(),
    reviewOn: z.string(),
    /** The day of review has passed: keep it with a new date, or release it. */
    reviewDue: z.boolean(),
    placedAt: z.iso.datetime(),
    releasedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Hold' });

export const PlacedHold = HoldView.extend({
  newPerson: z.boolean().describe('Nobody was known by these identifiers before: check their spelling'),
}).meta({ id: 'PlacedHold' });

export const holdStream = (id: string): string => `hold/${id}`;
/** Where the sealed words of a hold stand. */
export const holdPlace = (id: string, what: 'placed' | 'released'): string => `hold/${id}/${what}`;

/** The words of the law for a decision that rests on the hold. */
export function citationOf(ground: string): string {
  return legalRule(ground)?.citation ?? ground;
}

/** Whether the hold keeps these records: every limit it names is met. */
export function covers({ scope }: Pick<Hold, 'scope'>, records: Held): boolean {
  return (
    (scope.subjectId === null || records.subjects.includes(scope.subjectId as SubjectId)) &&
    (scope.connectionId === null || scope.connectionId === records.connectionId) &&
    (scope.dataset === null || scope.dataset === records.dataset)
  );
}

/** Whether the hold keeps every record of the dataset, whoever it is about. */
export function coversAll(hold: Pick<Hold, 'scope'>, connectionId: string, dataset: string): boolean {
  return hold.scope.subjectId === null && covers(hold, { subjects: [], connectionId, dataset });
}

/** The person whose records in the dataset the hold keeps; undefined when it is about all or other records. */
export function personHeld(hold: Pick<Hold, 'scope'>, connectionId: string, dataset: string): SubjectId | undefined {
  const subject = hold.scope.subjectId as SubjectId | null;
  if (subject === null) return undefined;
  return covers(hold, { subjects: [subject], connectionId, dataset }) ? subject : undefined;
}

export function holdPlaced(hold: Hold, words: Sealed): NewEvent {
  const { id, ground, scope, reviewOn } = hold;
  const data: JsonObject = { id, ground, scope, reviewOn, words };
  return { stream: holdStream(id), type: 'HoldPlaced.v1', data };
}

export function holdReleased({ id, scope }: Pick<Hold, 'id' | 'scope'>, reason: Sealed): NewEvent {
  const data: HoldReleased = { id, scope, reason };
  return { stream: holdStream(id), type: 'HoldReleased.v1', data };
}
