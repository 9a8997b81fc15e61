/** Adds an identifier to a known person on purpose; the only way in which two people come to share one (a family's address). */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { conflict, type SubjectId } from '#kernel';
import { EventStore } from '#ledger';
import { IdentifierLookup } from './identifier-lookup.js';
import { normaliseAll, type Identifier, type Strength } from './identifier.js';
import { People } from './people.js';
import type { Actor } from './subject.js';
import { Subjects } from './subjects.js';
import { SubjectErased } from './subjects.errors.js';

/** `shared`: others may hold the identifier too; without it, one that somebody else holds is refused. */
export class AddIdentifier extends Command<{ added: boolean }> {
  constructor(
    readonly by: Actor,
    readonly subject: SubjectId,
    readonly identifier: Identifier,
    readonly strength: Strength,
    readonly shared: boolean,
  ) {
    super();
  }
}

@CommandHandler(AddIdentifier)
export class AddIdentifierHandler implements ICommandHandler<AddIdentifier> {
  constructor(
    private readonly store: EventStore,
    private readonly subjects: Subjects,
    private readonly identifiers: IdentifierLookup,
    private readonly people: People,
  ) {}

  async execute({ by, subject, identifier, strength, shared }: AddIdentifier): Promise<{ added: boolean }> {
    if ((await this.people.get(by.tenant, subject)).status === 'erased') throw new SubjectErased();
    const [found] = await this.identifiers.find(by.tenant, normaliseAll([identifier], '/identifiers'));
    if (!found || found.holders.some((holder) => holder.subject === subject)) return { added: false };
    if (found.holders.length > 0 && !shared)
      throw conflict(
        'identifier-held',
        'Somebody else holds this identifier. Say that it is shared, or link the people.',
      );
    const { event, row } = await this.subjects.addIdentifier(by.tenant, subject, found, strength, shared);
    try {
      await this.store.append({
        tenant: by.tenant,
        actorRef: by.actorRef,
        events: [event],
        rows: [row],
        side: async (query) => {
          // The row would be dropped, beside a fact that it was added. Flushes of a tenant come one after the other.
          const text = `SELECT FROM subject WHERE tenant = $1 AND id = $2 AND status <> 'erased'`;
          if ((await query({ text, values: [by.tenant, subject] })).rowCount === 0) throw new SubjectErased();
        },
      });
    } finally {
      this.identifiers.invalidate(by.tenant, [found.mac]);
    }
    return { added: true };
  }
}
