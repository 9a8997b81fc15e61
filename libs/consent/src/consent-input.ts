/** What a caller sends to record decisions, and what it gets back. */
import { z } from 'zod';
import { Instant, JsonValue } from '#platform';
import { Channel, PurposeId } from './purpose.js';

/** Identifiers of one person, 1 to 20. */
export const SubjectReference = z
  .strictObject({
    identifiers: z
      .array(z.strictObject({ type: z.string().min(1).max(40), value: z.string().min(1).max(10_000) }))
      .min(1)
      .max(20),
  })
  .meta({ id: 'SubjectReference' });

export const RecordConsentBody = z
  .strictObject({
    subject: SubjectReference,
    decisions: z
      .array(
        z.strictObject({
          purpose: PurposeId,
          decision: z.enum(['given', 'refused', 'withdrawn']),
          channel: Channel.optional(),
        }),
      )
      .min(1)
      .max(50),
    notice: z.strictObject({ id: z.string().max(100), version: z.string().max(50) }),
    method: z.string().min(1).max(64),
    collectedAt: Instant,
    evidence: z.record(z.string().max(100), JsonValue),
    /** `import`: brought in later from elsewhere, ordered by its own clock. */
    origin: z.enum(['live', 'import']).default('live'),
  })
  .meta({ id: 'RecordConsent' });

export const ConsentRecordedAnswer = z
  .strictObject({
    records: z.array(z.strictObject({ id: z.uuid(), purpose: z.string(), decision: z.string() })),
    subjectId: z.uuid(),
    position: z.number().int(),
    token: z.string(),
    /** Indices of identifiers that were not linked to the person, because the key may not link. */
    unlinked: z.array(z.number().int()).optional(),
  })
  .meta({ id: 'ConsentRecorded' });

/** A validated body. */
export type RecordConsentInput = z.infer<typeof RecordConsentBody>;
/** The answer of a recorded consent. */
export type RecordedConsent = z.infer<typeof ConsentRecordedAnswer>;

/** Where the sealed particulars stand; they open for no other place. */
export const particularsPlace = (id: string): string => `consent/${id}/particulars`;
