/** Proves an identifier: attested by an officer, or by a one-time code. Nothing of a claimed one leaves or is erased. */
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { newId, type Clock, type JsonObject } from '#kernel';
import { dateInZone } from '#law';
import type { NewEvent } from '#ledger';
import { CLOCK, type Caller } from '#platform';
import { normaliseAll } from '#subjects';
import { CaseFile } from '../case-file.js';
import type { RequestState } from '../request-state.js';
import { fact, identifierPlaceOf, notePlace } from '../request.js';
import { Requests } from '../requests.js';
import { alreadyClosed, codeInvalid, humanNeeded, notNow } from '../requests.errors.js';
import { SimilarRequests } from '../opening/similar-requests.js';
import { VerificationCodes } from './verification-codes.js';

const identifier = z.strictObject({ type: z.string().min(1).max(40), value: z.string().min(1).max(640) });

export const IdentifyBody = z
  .strictObject({
    identifier,
    method: z.enum(['attest', 'code']),
    code: z
      .string()
      .regex(/^\d{6,8}$/)
      .optional(),
    note: z.string().min(1).max(2000).optional(),
  })
  .meta({ id: 'IdentifySubject' });

export const Identified = z
  .strictObject({
    id: z.uuid(),
    status: z.string(),
    identifier: z.strictObject({ id: z.uuid(), type: z.string(), strength: z.literal('verified') }),
    mergedInto: z.uuid().nullable(),
  })
  .meta({ id: 'IdentifiedRequest' });

export class IdentifySubject extends Command<z.infer<typeof Identified>> {
  constructor(
    readonly by: Caller,
    readonly requestId: string,
    readonly body: z.infer<typeof IdentifyBody>,
  ) {
    super();
  }
}

@CommandHandler(IdentifySubject)
export class IdentifySubjectHandler implements ICommandHandler<IdentifySubject> {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    private readonly codes: VerificationCodes,
    private readonly similar: SimilarRequests,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ by, requestId, body }: IdentifySubject): Promise<z.infer<typeof Identified>> {
    const state = await this.requests.load(by.tenant, requestId);
    assertOpen(state);
    const [proven] = normaliseAll([body.identifier], '/identifier');
    if (!proven) throw codeInvalid();
    if (body.method === 'attest' && by.principal.kind !== 'human') throw humanNeeded();
    if (body.method === 'code') await this.codes.spend(by.tenant, requestId, proven, body.code ?? '');
    const known = (await this.file.identifiers(by.tenant, state)).find(
      (one) => one.type === proven.type && one.value === proven.value,
    );
    const id = known?.id ?? newId();
    const twin = await this.similar.verified(by.tenant, state);
    const answer = {
      id: requestId,
      status: twin ? 'closed' : 'deciding',
      identifier: { id, type: proven.type, strength: 'verified' as const },
      mergedInto: twin ?? null,
    };
    await this.requests.change(
      by.tenant,
      by.actorRef,
      requestId,
      async (now) => {
        assertOpen(now);
        const events = [await this.proof(by, now, id, proven, body)];
        // The same right of the same proven person is one case; the earlier receipt counts (practice, section 4).
        if (twin)
          events.push(
            fact('RequestMerged.v1', { requestId, into: twin }),
            fact('RequestClosed.v1', { requestId, resolution: 'withdrawn' }),
          );
        return { events, respond: () => ({ status: 200, body: answer as JsonObject }) };
      },
      by,
    );
    return answer;
  }

  private async proof(
    by: Caller,
    state: RequestState,
    id: string,
    { type, value }: { type: string; value: string },
    body: z.infer<typeof IdentifyBody>,
  ): Promise<NewEvent> {
    const sealed = await this.file.seal(by.tenant, state.subjectId, { type, value }, identifierPlaceOf(id));
    const note =
      body.note === undefined
        ? undefined
        : await this.file.seal(by.tenant, state.subjectId, body.note, notePlace(state.id, `proof/${id}`));
    const provenOn = dateInZone(this.clock.now(), state.timeZone);
    return fact('IdentifierProven.v1', {
      requestId: state.id,
      id,
      type,
      value: sealed,
      method: body.method,
      provenOn,
      ...(note ? { note } : {}),
    });
  }
}

function assertOpen(state: RequestState): void {
  if (state.status === 'closed') throw alreadyClosed();
  if (!['identifying', 'deciding', 'triage', 'received'].includes(state.status))
    throw notNow(state.status, 'Identifiers are proven before the approval; reopen it or wait.');
}
