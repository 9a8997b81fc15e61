/** Records that an identifier is proven to be the person's. Nothing of a claimed one leaves or is erased. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { notFound, type SubjectId } from '#kernel';
import { EventStore } from '#ledger';
import { subjectEvent, type Actor, type ProofMethod } from './subject.js';

export class VerifyIdentifier extends Command<{ identifierId: string }> {
  constructor(
    readonly by: Actor,
    readonly subject: SubjectId,
    readonly identifierId: string,
    readonly method: ProofMethod,
  ) {
    super();
  }
}

@CommandHandler(VerifyIdentifier)
export class VerifyIdentifierHandler implements ICommandHandler<VerifyIdentifier> {
  constructor(private readonly store: EventStore) {}

  async execute({ by, subject, identifierId, method }: VerifyIdentifier): Promise<{ identifierId: string }> {
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [subjectEvent(subject, 'IdentifierVerified.v1', { identifierId, method })],
      side: async (query) => {
        const { rowCount } = await query({
          text: `UPDATE subject_identifier SET strength = 'verified' WHERE tenant = $1 AND id = $2 AND subject = $3`,
          values: [by.tenant, identifierId, subject],
        });
        if (rowCount === 0) throw notFound('identifier');
      },
    });
    return { identifierId };
  }
}
