/** Receives a request through any door. Withdrawal and objection are done in the same call. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { newId, type JsonObject, type SubjectId } from '#kernel';
import { enqueue } from '#jobs';
import { clocksFor, dateInZone } from '#law';
import type { NewEvent } from '#ledger';
import { Instant, OpenCode, type Caller } from '#platform';
import { normaliseAll, SubjectAmbiguous, Subjects, type PreparedSubject } from '#subjects';
import { CaseFile } from '../case-file.js';
import { Intake, type Receipt } from './intake.js';
import { dueOnOf } from '../course/request-clocks.js';
import { fileJob, noticeJob, stopJob } from '../course/request-jobs.js';
import { ClockView, clockView } from '../reading/request-view.js';
import { fact, identifierPlaceOf, streamOf, type AvailableType, type Status } from '../request.js';
import { Requests } from '../requests.js';
import { StopAtOnce } from '../course/stop-at-once.js';

const identifier = z.strictObject({ type: z.string().min(1).max(40), value: z.string().min(1).max(640) });

/** `type` and `regimes` are open texts here, so that what is not available yet answers 422 and not 400. */
export const OpenRequestBody = z
  .strictObject({
    type: z.string().min(1).max(40),
    regimes: z.array(z.string().min(1).max(40)).min(1).max(10),
    territory: z
      .string()
      .regex(/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/)
      .optional(),
    subject: z.strictObject({ identifiers: z.array(identifier).min(1).max(20) }),
    receivedAt: Instant.optional(),
    channel: OpenCode(64),
    purposes: z.array(OpenCode(100)).max(100).optional(),
  })
  .meta({ id: 'OpenRequest' });

export const OpenedRequest = z
  .strictObject({ id: z.uuid(), status: z.string(), dueOn: z.iso.date(), clocks: z.array(ClockView) })
  .meta({ id: 'OpenedRequest' });

export class OpenRequest extends Command<z.infer<typeof OpenedRequest>> {
  constructor(
    readonly by: Caller,
    readonly body: z.infer<typeof OpenRequestBody>,
  ) {
    super();
  }
}

const AT_ONCE: readonly string[] = ['objection', 'withdrawal'] satisfies AvailableType[];
/** A receipt older than this was entered afterwards. */
const BACKDATED_MS = 60_000;

@CommandHandler(OpenRequest)
export class OpenRequestHandler implements ICommandHandler<OpenRequest> {
  constructor(
    private readonly requests: Requests,
    private readonly subjects: Subjects,
    private readonly file: CaseFile,
    private readonly intake: Intake,
    private readonly atOnce: StopAtOnce,
  ) {}

  async execute({ by, body }: OpenRequest): Promise<z.infer<typeof OpenedRequest>> {
    const receipt = await this.intake.receive(by, body);
    const { id, type, regimes, receivedOn, territory, now } = receipt;
    await this.atOnce.assertStoppable(by.tenant, type, body.purposes ?? []);
    const clocks = clocksFor({ regimes, type, receivedOn, territory, asOf: dateInZone(now, receipt.timeZone) });
    const view = clocks.map(clockView);
    const status: Status = AT_ONCE.includes(type) ? 'closed' : 'identifying';
    const answer = { id, status, dueOn: dueOnOf(clocks, receivedOn), clocks: view };
    await this.register(by, body, async (who, ambiguous) => {
      const events = [...who.events, ...(await this.facts(by, body, receipt, who.subject, ambiguous))];
      const follow = AT_ONCE.includes(type)
        ? stopJob(id, new Date(now.getTime() + 5000))
        : noticeJob(id, 'acknowledgement', 0);
      // A repeat may come before the stop is done; it is told so, and not that all is over.
      const said = { ...answer, status: status === 'closed' ? 'acting' : status } as unknown as JsonObject;
      const kept = by.idempotency ? { idempotency: by.idempotency, respond: () => ({ status: 201, body: said }) } : {};
      await this.requests.store.append({
        tenant: by.tenant,
        actorRef: by.actorRef,
        events,
        expect: { [streamOf(id)]: 0 },
        rows: [...who.rows, ...enqueue(follow), ...enqueue(fileJob(id, receipt.receivedOn, receipt.timeZone))],
        ...kept,
      });
      by.idempotency = undefined;
    });
    if (status === 'closed') await this.atOnce.finish(by.tenant, id, by.actorRef);
    return answer;
  }

  /** Identifiers of several people must not lose the request: it waits under a case of its own. */
  private async register(
    by: Caller,
    body: z.infer<typeof OpenRequestBody>,
    append: (who: Pick<PreparedSubject, 'subject' | 'events' | 'rows'>, ambiguous: boolean) => Promise<void>,
  ): Promise<void> {
    try {
      await this.subjects.record(by.tenant, body.subject.identifiers, {}, (who) => append(who, false));
    } catch (error) {
      if (!(error instanceof SubjectAmbiguous)) throw error;
      await append({ subject: newId() as SubjectId, events: [], rows: [] }, true);
    }
  }

  private async facts(
    by: Caller,
    body: z.infer<typeof OpenRequestBody>,
    receipt: Receipt,
    subject: SubjectId,
    ambiguous: boolean,
  ): Promise<NewEvent[]> {
    const { id, type, regimes, territory, timeZone, receivedAt, receivedOn, now } = receipt;
    const identifiers = await Promise.all(
      normaliseAll(body.subject.identifiers).map(async (one) => {
        const identifierId = newId();
        const value = await this.file.seal(
          by.tenant,
          { keyHolder: id as SubjectId },
          { type: one.type, value: one.value },
          identifierPlaceOf(identifierId),
        );
        return { id: identifierId, type: one.type, value };
      }),
    );
    const received = fact('RequestReceived.v1', {
      ...{
        requestId: id,
        type,
        regimes,
        territory: territory ?? null,
        timeZone,
        subjectId: subject,
        identifiers,
        ambiguous,
        keyHolder: id,
      },
      ...{ receivedAt: receivedAt.toISOString(), receivedOn, channel: body.channel, purposes: body.purposes ?? [] },
      backdated: now.getTime() - receivedAt.getTime() > BACKDATED_MS,
    });
    return [
      { ...received, occurredAt: receivedAt },
      fact('RequestTriaged.v1', { requestId: id, needsProof: !AT_ONCE.includes(type) }),
    ];
  }
}
