/** Lethe's own erasure of a person: the identity key dies, lookups and links go; other classes stay restricted and dated. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { SubjectId } from '#kernel';
import { EventStore } from '#ledger';
import { IdentifierLookup } from './identifier-lookup.js';
import { KeyStore } from './keystore.js';
import type { KeyClass } from './keystore.queries.js';
import { groupMembers, People, regroup } from './people.js';
import { subjectEvent, type Actor } from './subject.js';

/** What was erased and when; a repeat gives the first answer. `position` is absent for a repeat. */
export interface ErasedIdentity {
  subject: SubjectId;
  keys: { class: KeyClass; shreddedAt: string }[];
  position?: number;
}

/** `classes` beyond identity only when the law no longer demands them (their dates are on the certificate). */
export class EraseIdentity extends Command<ErasedIdentity> {
  constructor(
    readonly by: Actor,
    readonly subject: SubjectId,
    readonly classes: readonly KeyClass[] = ['identity'],
  ) {
    super();
  }
}

@CommandHandler(EraseIdentity)
export class EraseIdentityHandler implements ICommandHandler<EraseIdentity> {
  constructor(
    private readonly store: EventStore,
    private readonly keyStore: KeyStore,
    private readonly identifiers: IdentifierLookup,
    private readonly people: People,
  ) {}

  async execute({ by, subject, classes }: EraseIdentity): Promise<ErasedIdentity> {
    const person = await this.people.get(by.tenant, subject);
    // First the keys, then the claim: after a crash in between the command is repeated and finds them shredded.
    const shredded = await this.keyStore.shred(by.tenant, subject, classes);
    const keys = shredded.map((key) => ({ class: key.class, shreddedAt: key.shreddedAt.toISOString() }));
    if (person.status === 'erased' && !shredded.some((key) => key.hadKey)) return { subject, keys };
    let macs: Buffer[] = [];
    const { lastPosition } = await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      // By definition it ends every link of the subject as well.
      events: [subjectEvent(subject, 'IdentityErased.v1', { keys })],
      side: async (query) => {
        const members = (await groupMembers(query, by.tenant, [subject])).map(({ id }) => id);
        await query({
          text: 'DELETE FROM subject_link WHERE tenant = $1 AND (one = $2 OR other = $2)',
          values: [by.tenant, subject],
        });
        macs = await regroup(query, by.tenant, members);
        await query({
          text: 'DELETE FROM subject_identifier WHERE tenant = $1 AND subject = $2',
          values: [by.tenant, subject],
        });
        await query({
          text: `UPDATE subject SET status = 'erased', erased_at = COALESCE(erased_at, now()) WHERE tenant = $1 AND id = $2`,
          values: [by.tenant, subject],
        });
      },
    });
    this.identifiers.invalidate(by.tenant, macs);
    this.people.invalidate(by.tenant, person.aliases);
    return { subject, keys, position: lastPosition };
  }
}
