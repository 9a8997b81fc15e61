/** An officer's recorded judgement that something found is not this person's, so that a blocker can be resolved. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { newId, type JsonObject } from '#kernel';
import type { NewEvent } from '#ledger';
import { OpenCode, vouchedHuman, type Caller } from '#platform';
import { CaseFile } from '../case-file.js';
import { exclusionPlace } from './exclusion.js';
import { fact, notePlace } from '../request.js';
import type { RequestState } from '../request-state.js';
import { Requests } from '../requests.js';
import { datasetUnknown, notNow } from '../requests.errors.js';
import { ConnectedSystems } from '../step/connected-systems.js';

/** Names a dataset's doubtful records, one record, or an identifier type that is not used in the connection. */
export const ExcludeBody = z
  .strictObject({
    connectionId: OpenCode(64),
    dataset: z.string().min(1).max(200).optional(),
    identifierType: OpenCode(40).optional(),
    ref: z.string().min(1).max(500).optional(),
    reason: z.string().min(1).max(2000),
  })
  .refine((body) => body.dataset !== undefined || body.identifierType !== undefined || body.ref !== undefined, {
    path: ['dataset'],
    error: 'At least one of dataset, identifierType and ref.',
  })
  .refine((body) => body.identifierType === undefined || body.ref === undefined, {
    path: ['ref'],
    error: 'Not together with identifierType.',
  })
  .meta({ id: 'ExcludeFromPlan' });

export const Excluded = z
  .strictObject({ id: z.uuid(), exclusionId: z.uuid(), status: z.string() })
  .meta({ id: 'ExcludedFromPlan' });

export class ExcludeFromPlan extends Command<z.infer<typeof Excluded>> {
  constructor(
    readonly by: Caller,
    readonly requestId: string,
    readonly body: z.infer<typeof ExcludeBody>,
  ) {
    super();
  }
}

@CommandHandler(ExcludeFromPlan)
export class ExcludeFromPlanHandler implements ICommandHandler<ExcludeFromPlan> {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    private readonly systems: ConnectedSystems,
  ) {}

  async execute({ by, requestId, body }: ExcludeFromPlan): Promise<z.infer<typeof Excluded>> {
    vouchedHuman(by);
    await this.assertKnown(by, body);
    const exclusionId = newId();
    const answer = { id: requestId, exclusionId, status: 'deciding' };
    await this.requests.change(
      by.tenant,
      by.actorRef,
      requestId,
      async (state) => {
        if (!['deciding', 'approved'].includes(state.status))
          throw notNow(state.status, 'Exclude while it is being decided, then plan again.');
        const { connectionId, dataset, identifierType } = body;
        const seal = (value: string, place: string): ReturnType<CaseFile['seal']> =>
          this.file.seal(by.tenant, state, value, place);
        const ref = body.ref === undefined ? undefined : await seal(body.ref, exclusionPlace(requestId, exclusionId));
        const reason = await seal(body.reason, notePlace(requestId, `exclusion-reason/${exclusionId}`));
        const data = {
          requestId,
          exclusionId,
          connectionId,
          reason,
          ...(dataset === undefined ? {} : { dataset }),
          ...(identifierType === undefined ? {} : { identifierType }),
        };
        return {
          events: [fact('SystemExcluded.v1', { ...data, ...(ref === undefined ? {} : { ref }) }), ...voided(state)],
          respond: () => ({ status: 201, body: answer as JsonObject }),
        };
      },
      by,
    );
    return answer;
  }

  /** The name stands open in the ledger and leaves out what has it: one that its system does not have is a slip, or words. */
  private async assertKnown(by: Caller, { connectionId, dataset }: z.infer<typeof ExcludeBody>): Promise<void> {
    if (dataset === undefined) return;
    const system = (await this.systems.enabled(by.tenant)).find(({ id }) => id === connectionId);
    if (!system?.datasets.some(({ name }) => name === dataset)) throw datasetUnknown();
  }
}

/** The plan that stood is no longer what would be done: it is planned, read and approved anew. */
function voided({ id, plan, approvals }: RequestState): NewEvent[] {
  if (!plan || approvals.length === 0) return [];
  const { planId } = plan;
  return [fact('ApprovalsVoided.v1', { requestId: id, planId, approvals: approvals.length, cause: 'exclusion' })];
}
