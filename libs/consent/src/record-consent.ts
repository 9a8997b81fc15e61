/** Records decisions of a person, all or none, with the notice they saw and the evidence. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { newId, type Json, type JsonObject, type SubjectId } from '#kernel';
import { EventStore, type Appended, type InlineRow, type NewEvent } from '#ledger';
import type { Caller } from '#platform';
import { Sealer, Subjects, type PreparedSubject } from '#subjects';
import { consentRecordTable } from './consent.migrations.js';
import { consentStream, type ConsentRecorded } from './consent.js';
import { ConsentRecords } from './consent-records.js';
import { ConsentRules } from './consent-rules.js';
import { addDuration, Channel, PurposeId, type Notice, type Purpose } from './purpose.js';

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
    collectedAt: z.iso.datetime({ offset: true }),
    evidence: z.record(z.string().max(100), z.json()),
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
type Body = RecordConsentInput;
type Answer = z.infer<typeof ConsentRecordedAnswer>;

/** Where the sealed particulars stand; they open for no other place. */
export const particularsPlace = (id: string): string => `consent/${id}/particulars`;

export class RecordConsent extends Command<Answer> {
  constructor(
    readonly by: Caller,
    readonly body: Body,
    readonly mayLink: boolean,
  ) {
    super();
  }
}

@CommandHandler(RecordConsent)
export class RecordConsentHandler implements ICommandHandler<RecordConsent> {
  constructor(
    private readonly store: EventStore,
    private readonly subjects: Subjects,
    private readonly sealer: Sealer,
    private readonly records: ConsentRecords,
    private readonly rules: ConsentRules,
  ) {}

  async execute({ by, body, mayLink }: RecordConsent): Promise<Answer> {
    const { notice, purposes, collectedAt } = await this.rules.check(by, body);
    return this.subjects.record(by.tenant, body.subject.identifiers, { mayLink }, async (who) => {
      const decisions = await this.seal(by, body, who.subject, notice, purposes, collectedAt);
      const answer = (at: Appended): Answer => answerOf(who, decisions, at);
      const first = who.events.length;
      const at = await this.store.append({
        tenant: by.tenant,
        actorRef: by.actorRef,
        events: [...who.events, ...decisions.map((decision): NewEvent => eventOf(decision))],
        rows: [...who.rows, ...decisions.map((decision, index) => rowOf(decision, first + index))],
        ...(by.idempotency
          ? {
              idempotency: by.idempotency,
              respond: (done: Appended) => ({ status: 201, body: answer(done) as JsonObject }),
            }
          : {}),
      });
      by.idempotency = undefined;
      this.records.forget(by.tenant, who.subject);
      return answer(at);
    });
  }

  private async seal(
    by: Caller,
    body: Body,
    subject: SubjectId,
    notice: Notice,
    purposes: Purpose[],
    collectedAt: string,
  ): Promise<ConsentRecorded[]> {
    const particulars: Json = { method: body.method, evidence: body.evidence };
    return Promise.all(
      body.decisions.map(async ({ purpose, decision, channel }, index) => {
        const id = newId();
        const validity = decision === 'given' ? purposes[index]!.validity : undefined;
        return {
          id,
          subject,
          purpose,
          decision,
          channel: channel ?? null,
          collectedAt,
          imported: body.origin === 'import',
          expiresAt: validity ? addDuration(collectedAt, validity) : null,
          notice: { id: notice.id, version: notice.version, hash: notice.hash },
          particulars: await this.sealer.seal(by.tenant, subject, 'consent', particulars, particularsPlace(id)),
        };
      }),
    );
  }
}

function eventOf(decision: ConsentRecorded): NewEvent {
  return {
    stream: consentStream(decision.subject),
    type: 'ConsentRecorded.v1',
    data: { ...decision },
    occurredAt: new Date(decision.collectedAt),
  };
}

function rowOf(one: ConsentRecorded, offset: number): InlineRow {
  return {
    into: consentRecordTable,
    row: (at) => [
      one.subject,
      at.firstPosition + offset,
      one.id,
      one.purpose,
      one.decision,
      one.channel,
      one.collectedAt,
      at.recordedAt,
      one.imported,
      one.expiresAt,
      one.notice.id,
      one.notice.version,
    ],
  };
}

function answerOf(who: PreparedSubject, decisions: ConsentRecorded[], at: Appended): Answer {
  return {
    records: decisions.map(({ id, purpose, decision }) => ({ id, purpose, decision })),
    subjectId: who.subject,
    position: at.lastPosition,
    token: at.token,
    ...(who.unlinked.length > 0 ? { unlinked: who.unlinked } : {}),
  };
}
