/** Sends a one-time code to a mailbox. It proves control of the mailbox, and the plan shows whether it was on file before. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { unprocessable, type JsonObject } from '#kernel';
import type { Caller } from '#platform';
import { normaliseAll } from '#subjects';
import { Mailer } from '../ports.js';
import { fact } from '../request.js';
import { Requests } from '../requests.js';
import { alreadyClosed } from '../requests.errors.js';
import { VerificationCodes } from './verification-codes.js';

export const SendCodeBody = z
  .strictObject({ identifier: z.strictObject({ type: z.string().min(1).max(40), value: z.string().min(1).max(640) }) })
  .meta({ id: 'SendVerificationCode' });

export const SentCode = z
  .strictObject({ id: z.uuid(), codeId: z.uuid(), expiresAt: z.iso.datetime() })
  .meta({ id: 'SentVerificationCode' });

export class SendVerificationCode extends Command<z.infer<typeof SentCode>> {
  constructor(
    readonly by: Caller,
    readonly requestId: string,
    readonly body: z.infer<typeof SendCodeBody>,
  ) {
    super();
  }
}

@CommandHandler(SendVerificationCode)
export class SendVerificationCodeHandler implements ICommandHandler<SendVerificationCode> {
  constructor(
    private readonly requests: Requests,
    private readonly codes: VerificationCodes,
    private readonly mailer: Mailer,
  ) {}

  async execute({ by, requestId, body }: SendVerificationCode): Promise<z.infer<typeof SentCode>> {
    const state = await this.requests.load(by.tenant, requestId);
    if (state.status === 'closed') throw alreadyClosed();
    const [to] = normaliseAll([body.identifier], '/identifier');
    if (to?.type !== 'email')
      throw unprocessable('identifier-not-reachable', 'Codes go to e-mail addresses only. Attest other identifiers.');
    const { id: codeId, code, expiresAt } = await this.codes.issue(by.tenant, requestId, to);
    const answer = { id: requestId, codeId, expiresAt: expiresAt.toISOString() };
    const text = `Your code is ${code}. It is valid for ten minutes and confirms a privacy request under this address. If you did not ask for it, ignore this message: nothing happens without the code.`;
    await this.mailer.send({ tenant: by.tenant, to: to.value, subject: 'Your confirmation code', text, key: codeId });
    await this.requests.change(
      by.tenant,
      by.actorRef,
      requestId,
      () => ({
        events: [
          fact('VerificationCodeSent.v1', { requestId, codeId, identifierType: to.type, expiresAt: answer.expiresAt }),
        ],
        respond: () => ({ status: 201, body: answer as JsonObject }),
      }),
      by,
    );
    return answer;
  }
}
