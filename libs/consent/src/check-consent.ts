/** Answers whether a purpose may be pursued for a person: the hot path of connected systems. */
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { DomainError, type Clock, type SubjectId } from '#kernel';
import { CLOCK, Instant, type Caller } from '#platform';
import { SubjectAmbiguous, Subjects } from '#subjects';
import { purposeUnknown } from './consent.errors.js';
import type { Moment, Verdict } from './consent.js';
import { Channel, PurposeId, type Purpose } from './purpose.js';
import { PurposeVerdicts } from './purpose-verdicts.js';
import { Purposes } from './purposes.js';
import { ReadPosition } from './read-position.js';
import { SubjectReference } from './consent-input.js';

const question = {
  subject: SubjectReference.optional(),
  subjectId: z.uuid().optional(),
  purpose: PurposeId,
  channel: Channel.optional(),
  at: Instant.optional(),
  asOf: Instant.optional(),
};
const either = { path: ['subject'], error: 'Either subject or subjectId, and not both.' };
const oneSubject = (body: { subject?: unknown; subjectId?: unknown }): boolean =>
  (body.subject === undefined) !== (body.subjectId === undefined);

export const CheckConsentBody = z
  .strictObject({ ...question, atLeast: z.string().max(200).optional() })
  .refine(oneSubject, either)
  .meta({ id: 'CheckConsent' });
export const CheckBatchBody = z
  .strictObject({
    items: z
      .array(z.strictObject({ ref: z.string().max(200), ...question }).refine(oneSubject, either))
      .min(1)
      .max(500),
    atLeast: z.string().max(200).optional(),
  })
  .meta({ id: 'CheckConsentBatch' });

export const CheckAnswer = z
  .strictObject({
    decision: z.enum(['permit', 'deny']),
    reason: z.string(),
    basis: z.string().nullable(),
    state: z.string(),
    since: z.string().nullable(),
    validUntil: z.string().nullable(),
    token: z.string(),
  })
  .meta({ id: 'ConsentAnswer' });
export const CheckBatchAnswer = z
  .strictObject({
    asOf: z.string(),
    items: z.array(
      z.union([
        z.strictObject({ ref: z.string(), ...CheckAnswer.shape }),
        z.strictObject({ ref: z.string(), error: z.strictObject({ code: z.string() }) }),
      ]),
    ),
  })
  .meta({ id: 'ConsentAnswerBatch' });

type Question = Omit<z.infer<typeof CheckConsentBody>, 'atLeast'>;
export type ConsentAnswer = z.infer<typeof CheckAnswer>;

@Injectable()
export class ConsentCheck {
  constructor(
    private readonly subjects: Subjects,
    private readonly purposes: Purposes,
    private readonly verdicts: PurposeVerdicts,
    private readonly position: ReadPosition,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** One question. `explain`: the caller may learn why; others get a coarse reason, or a check would be an oracle for erased people. */
  async ask(by: Caller, body: Question & { atLeast?: string | undefined }, explain: boolean): Promise<ConsentAnswer> {
    return this.answer(by, body, explain, await this.reach(by, body.atLeast, [body]));
  }

  /** Up to 500 questions at one snapshot, answered in order; an unanswerable one does not spoil its neighbours. */
  async askAll(
    by: Caller,
    body: z.infer<typeof CheckBatchBody>,
    explain: boolean,
  ): Promise<z.infer<typeof CheckBatchAnswer>> {
    const asOf = this.clock.now().toISOString();
    const { atLeast } = body;
    const fresh = await this.reach(by, atLeast, body.items);
    const items = await Promise.all(
      body.items.map(async ({ ref, ...item }) => {
        try {
          return { ref, ...(await this.answer(by, { ...item, atLeast }, explain, fresh)) };
        } catch (error) {
          if (error instanceof DomainError) return { ref, error: { code: error.code } };
          throw error;
        }
      }),
    );
    return { asOf, items };
  }

  /** Waits for the token; then nothing cached before it may be used: neither purposes nor who is behind an identifier. */
  private async reach(by: Caller, token: string | undefined, questions: readonly Question[]): Promise<boolean> {
    if (token === undefined) return false;
    const fresh = await this.position.reach(by, token);
    if (fresh) this.purposes.forget(by.tenant);
    for (const { subject } of questions) if (subject) this.subjects.forget(by.tenant, subject.identifiers);
    return fresh;
  }

  private async answer(
    by: Caller,
    body: Question & { atLeast?: string | undefined },
    explain: boolean,
    fresh: boolean,
  ): Promise<ConsentAnswer> {
    const purpose = await this.purposes.find(by.tenant, body.purpose);
    if (!purpose) throw purposeUnknown('/purpose');
    const verdict = await this.verdict(by, purpose, body, fresh);
    const token = await this.position.token(by, body.atLeast);
    return { ...(explain ? verdict : coarse(verdict)), token };
  }

  private async verdict(
    by: Caller,
    purpose: Purpose,
    body: Question,
    fresh: boolean,
  ): Promise<Omit<ConsentAnswer, 'token'>> {
    const subject = await this.who(by, body);
    const utc = (text: string | undefined): string | undefined =>
      text === undefined ? undefined : new Date(text).toISOString();
    const moment: Moment = { now: this.clock.now().toISOString(), at: utc(body.at), asOf: utc(body.asOf) };
    const person = subject === undefined ? undefined : await this.verdicts.person(by.tenant, subject, fresh);
    if (!person || person.aliases.length === 0) return unknownPerson(purpose);
    // By its old id an erased person is as unknown as by the identifiers that were erased; the past stays answerable.
    if (person.erased && (await this.verdicts.erased(by.tenant, person, moment))) return unknownPerson(purpose);
    return this.verdicts.of(by.tenant, person, purpose, body.channel, moment);
  }

  private async who(by: Caller, body: Question): Promise<SubjectId | undefined> {
    if (body.subjectId !== undefined) return body.subjectId as SubjectId;
    const people = await this.subjects.lookup(by.tenant, body.subject!.identifiers);
    if (people.length > 1) throw new SubjectAmbiguous();
    return people[0];
  }
}

function unknownPerson(purpose: Purpose): Omit<ConsentAnswer, 'token'> {
  return {
    decision: 'deny',
    reason: 'unknown',
    basis: purpose.legalBasis,
    state: 'never-asked',
    since: null,
    validUntil: null,
  };
}

function coarse(verdict: Verdict | Omit<ConsentAnswer, 'token'>): Omit<ConsentAnswer, 'token'> {
  const permit = verdict.decision === 'permit';
  return {
    decision: verdict.decision,
    reason: permit ? 'permitted' : 'not-permitted',
    basis: permit ? verdict.basis : null,
    state: permit ? verdict.state : 'withheld',
    since: null,
    validUntil: permit ? verdict.validUntil : null,
  };
}
