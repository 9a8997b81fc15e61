/** Records decisions of a person, all or none, with the notice they saw and the evidence. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { newId, type Json, type JsonObject, type SubjectId } from '#kernel';
import { EventStore, type Appended, type NewEvent } from '#ledger';
import type { Caller } from '#platform';
import { Sealer, Subjects, type PreparedSubject } from '#subjects';
import { consentRecordRow } from './consent.migrations.js';
import { consentStream, type ConsentRecorded } from './consent.js';
import { ConsentRecords } from './consent-records.js';
import { ConsentRules } from './consent-rules.js';
import { particularsPlace, type RecordConsentInput, type RecordedConsent } from './consent-input.js';
import { addDuration, type Notice, type Purpose } from './purpose.js';

type Body = RecordConsentInput;
type Answer = RecordedConsent;

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
    return this.subjects.record(
      by.tenant,
      body.subject.identifiers,
      { mayLink, sealsWith: ['consent'], asks: true },
      async (who) => {
        const decisions = await this.seal(by, body, who.subject, notice, purposes, collectedAt);
        const answer = (at: Appended): Answer => answerOf(who, decisions, at);
        const first = who.events.length;
        const at = await this.store.append({
          tenant: by.tenant,
          actorRef: by.actorRef,
          events: [...who.events, ...decisions.map((decision): NewEvent => eventOf(decision))],
          rows: [
            ...who.rows,
            ...decisions.map((decision, index) => consentRecordRow(decision, first + index, who.matches)),
          ],
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
      },
    );
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

function answerOf(who: PreparedSubject, decisions: ConsentRecorded[], at: Appended): Answer {
  return {
    records: decisions.map(({ id, purpose, decision }) => ({ id, purpose, decision })),
    subjectId: who.subject,
    position: at.lastPosition,
    token: at.token,
    ...(who.unlinked.length > 0 ? { unlinked: who.unlinked } : {}),
  };
}
