/** Writes an answer, mails it where that is safe, and hands back the fact with the words sealed. */
import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { DomainError, type Clock, type TenantId } from '#kernel';
import type { NewEvent } from '#ledger';
import { CLOCK } from '#platform';
import { composeAnswer } from './answer-compose.js';
import { renderText, type Letter } from './answer-letter.js';
import { AnswerSources } from './answer-sources.js';
import { CaseFile } from '../case-file.js';
import { AnswerWriter, Mailer } from '../ports.js';
import type { RequestState } from '../request-state.js';
import { fact, notePlace, type AnswerKind } from '../request.js';

/** What is kept of an answer, sealed under the case key. */
export type AnswerContent = { letter: Letter; writtenAt: string };

/** Where an answer's words stand. */
export const answerPlace = (requestId: string, answerId: string): string => notePlace(requestId, `answer/${answerId}`);

/** No way to this mailbox: the answer becomes a letter instead of waiting for ever. */
const UNREACHABLE: readonly string[] = ['mail-unavailable', 'mail-refused'];

@Injectable()
export class WriteAnswers extends AnswerWriter {
  constructor(
    private readonly sources: AnswerSources,
    private readonly file: CaseFile,
    private readonly mailer: Mailer,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super();
  }

  /** The same `key` gives the same answer id and the same mail, whatever crashed in between. */
  async write(tenant: TenantId, request: RequestState, kind: AnswerKind, key: string): Promise<NewEvent[]> {
    const answerId = answerIdOf(tenant, key);
    if (request.answers.some((one) => one.answerId === answerId)) return [];
    const letter = composeAnswer(await this.sources.factsFor(tenant, request, kind));
    const to = await this.mailboxFor(tenant, request, kind);
    const channel = to !== undefined && (await this.mailed(tenant, to, letter, answerId)) ? 'mail' : 'letter';
    const content: AnswerContent = { letter, writtenAt: this.clock.now().toISOString() };
    const sealed = await this.file.sealEnd(tenant, request, content, answerPlace(request.id, answerId));
    return [fact('AnswerSent.v1', { requestId: request.id, answerId, kind, channel, content: sealed })];
  }

  private async mailed(tenant: TenantId, to: string, letter: Letter, answerId: string): Promise<boolean> {
    try {
      const text = renderText(letter);
      await this.mailer.send({ tenant, to, subject: letter.subject, text, key: `answer/${answerId}` });
      return true;
    } catch (error) {
      if (error instanceof DomainError && UNREACHABLE.includes(error.code)) return false;
      throw error;
    }
  }

  /**
   * A proven mailbox first. A claimed one only hears what holds nothing of what is known here. A letter when the key of the
   * file is lost: the request can end all the same.
   */
  private async mailboxFor(tenant: TenantId, request: RequestState, kind: AnswerKind): Promise<string | undefined> {
    const mailboxes = (await this.file.identifiersLeft(tenant, request)).filter((one) => one.type === 'email');
    const proven = mailboxes.find((one) => one.strength === 'verified');
    if (proven) return proven.value;
    return tellsNothing(request, kind) ? mailboxes[0]?.value : undefined;
  }
}

/** True for answers that only repeat what the writer said himself. */
export function tellsNothing({ type, resolution, steps }: RequestState, kind: AnswerKind): boolean {
  switch (kind) {
    case 'acknowledgement':
    case 'identity-question':
    case 'extension':
      return true;
    case 'refusal':
      return resolution === 'cannot-identify';
    case 'completion':
      return type === 'objection' || type === 'withdrawal';
    case 'withdrawn':
      return steps.length === 0;
    case 'partial-refusal':
      return false;
  }
}

/** A UUID (version 8, RFC 9562 section 5.8) that is the same for the same key. */
export function answerIdOf(tenant: TenantId, key: string): string {
  const bytes = createHash('sha256').update(`answer|${tenant}|${key}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
