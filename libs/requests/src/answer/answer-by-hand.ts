/** An officer looks at an answer before it goes, and sends the two that no step of the engine sends by itself. */
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { JsonObject, TenantId } from '#kernel';
import type { Caller } from '#platform';
import { composeAnswer } from './answer-compose.js';
import type { Letter } from './answer-letter.js';
import { AnswerSources } from './answer-sources.js';
import { answerIdOf } from './answer-writer.js';
import { AnswerWriter } from '../ports.js';
import { Requests } from '../requests.js';
import { alreadyClosed } from '../requests.errors.js';
import type { AnswerKind } from '../request.js';

export const WriteAnswerBody = z
  .strictObject({ kind: z.enum(['acknowledgement', 'identity-question']) })
  .meta({ id: 'WriteAnswer' });

export const WrittenAnswer = z.strictObject({ id: z.uuid(), answerId: z.uuid() }).meta({ id: 'WrittenAnswer' });
type WrittenAnswer = z.infer<typeof WrittenAnswer>;

@Injectable()
export class AnswerByHand {
  constructor(
    private readonly requests: Requests,
    private readonly sources: AnswerSources,
    private readonly answers: AnswerWriter,
  ) {}

  /** Once per idempotency key, the mail included. */
  async write(by: Caller, id: string, { kind }: z.infer<typeof WriteAnswerBody>): Promise<WrittenAnswer> {
    const key = `${id}/by-hand/${by.idempotency?.key.toString('hex') ?? kind}`;
    const answer: WrittenAnswer = { id, answerId: answerIdOf(by.tenant, key) };
    await this.requests.change(
      by.tenant,
      by.actorRef,
      id,
      async (state) => {
        if (state.status === 'closed') throw alreadyClosed();
        const events = await this.answers.write(by.tenant, state, kind, key);
        return { events, respond: () => ({ status: 201, body: answer as JsonObject }) };
      },
      by,
    );
    return answer;
  }

  /** The answer as it would be written now; nothing is kept or sent. */
  async preview(tenant: TenantId, id: string, kind: AnswerKind): Promise<Letter> {
    const state = await this.requests.load(tenant, id);
    return composeAnswer(await this.sources.factsFor(tenant, state, kind));
  }
}
