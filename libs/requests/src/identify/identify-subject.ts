/** Proves an identifier: attested by an officer, or by a one-time code. Nothing of a claimed one leaves or is erased. */
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { newId, type Clock, type JsonObject, type TenantId } from '#kernel';
import { dateInZone } from '#law';
import type { NewEvent } from '#ledger';
import { CLOCK, vouchedHuman, type Caller } from '#platform';
import { normaliseAll } from '#subjects';
import { CaseFile, type OpenIdentifier } from '../case-file.js';
import type { RequestState } from '../request-state.js';
import { fact, identifierPlaceOf, notePlace, streamOf } from '../request.js';
import { Requests, type Change } from '../requests.js';
import { alreadyClosed, codeInvalid, identifierNotInRequest, notNow } from '../requests.errors.js';
import { coversRepeat, SimilarRequests } from '../opening/similar-requests.js';
import type { Identifier } from '../step/connected.js';
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
    /** Attests what the request does not contain; the note says why it is the same person's. */
    add: z.boolean().optional(),
  })
  .meta({ id: 'IdentifySubject' });

type Body = z.infer<typeof IdentifyBody>;

export const Identified = z
  .strictObject({
    id: z.uuid(),
    status: z.string(),
    identifier: z.strictObject({ id: z.uuid(), type: z.string(), strength: z.literal('verified') }),
    /** True when the request did not contain it before. */
    added: z.boolean(),
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
    if (body.method === 'attest') vouchedHuman(by);
    if (body.method === 'code') await this.codes.spend(by.tenant, requestId, proven, body.code ?? '');
    let answer!: z.infer<typeof Identified>;
    await this.requests.change(
      by.tenant,
      by.actorRef,
      requestId,
      async (now) => {
        assertOpen(now);
        const said = await this.decide(by, now, proven, body);
        answer = said.answer;
        return { ...said.change, respond: () => ({ status: 200, body: said.answer as JsonObject }) };
      },
      by,
    );
    return answer;
  }

  private async decide(
    by: Caller,
    state: RequestState,
    proven: Identifier,
    body: Body,
  ): Promise<{ answer: z.infer<typeof Identified>; change: Change }> {
    const own = await this.file.identifiers(by.tenant, state);
    const known = own.find(isSame(proven));
    if (!known && body.method === 'attest' && !(body.add && body.note)) throw identifierNotInRequest();
    const id = known?.id ?? newId();
    const twin = await this.twin(by.tenant, state, [proven, ...own.filter((one) => one.strength === 'verified')]);
    const answer = {
      id: state.id,
      status: twin ? 'closed' : 'deciding',
      identifier: { id, type: proven.type, strength: 'verified' as const },
      added: !known,
      mergedInto: twin?.state.id ?? null,
    };
    const events = [await this.proof(by, state, id, proven, body)];
    if (!twin) return { answer, change: { events } };
    // The same right of the same proven person is one case; the earlier receipt counts (practice, section 4). The proof is
    // a fact of that case too, so that work which begins at this moment looks once more, for what came until now.
    const again = twin.identifiers.find(isSame(proven))?.id ?? newId();
    events.push(
      await this.proof(by, twin.state, again, proven, body),
      fact('RequestMerged.v1', { requestId: state.id, into: twin.state.id }),
      fact('RequestClosed.v1', { requestId: state.id, resolution: 'withdrawn' }),
    );
    return { answer, change: { events, expect: { [streamOf(twin.state.id)]: twin.state.version } } };
  }

  /** Only a case in which everything is proven that is proven here: else one person's proof would speak for another's case. */
  private async twin(
    tenant: TenantId,
    state: RequestState,
    proven: readonly Identifier[],
  ): Promise<{ state: RequestState; identifiers: OpenIdentifier[] } | undefined> {
    for (const id of await this.similar.candidates(tenant, state)) {
      const earlier = await this.requests.load(tenant, id);
      if (!coversRepeat(earlier, state)) continue;
      const identifiers = (await this.file.identifiers(tenant, earlier)).filter((one) => one.strength === 'verified');
      if (proven.every((one) => identifiers.some(isSame(one)))) return { state: earlier, identifiers };
    }
    return undefined;
  }

  private async proof(
    by: Caller,
    state: RequestState,
    id: string,
    { type, value }: Identifier,
    body: Body,
  ): Promise<NewEvent> {
    const sealed = await this.file.seal(by.tenant, state, { type, value }, identifierPlaceOf(id));
    const note =
      body.note === undefined
        ? undefined
        : await this.file.seal(by.tenant, state, body.note, notePlace(state.id, `proof/${id}`));
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

const isSame =
  (one: Identifier) =>
  (other: Identifier): boolean =>
    one.type === other.type && one.value === other.value;

function assertOpen(state: RequestState): void {
  if (state.status === 'closed') throw alreadyClosed();
  if (!['identifying', 'deciding', 'triage', 'received'].includes(state.status))
    throw notNow(state.status, 'Identifiers are proven before the approval; reopen it or wait.');
}
