/** Lethe's own erasure of a person: the identity key dies, lookups and links go; other classes stay restricted and dated. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { newId, type SubjectId, type TenantId } from '#kernel';
import { EventStore } from '#ledger';
import { IdentifierLookup } from './identifier-lookup.js';
import { keyClasses, KeyStore } from './keys/keystore.js';
import type { KeyClass } from './keys/keystore.queries.js';
import { groupMembers, People, regroup } from './people.js';
import { subjectEvent, subjectStream, type Actor, type RestrictionGround } from './subject.js';

/** What was erased and when; a repeat gives the first answer. `position` is absent for a repeat. */
export interface ErasedIdentity {
  subject: SubjectId;
  keys: { class: KeyClass; shreddedAt: string }[];
  position?: number;
}

/** What stays of an erased person stays for the law's sake alone, and is used for nothing else. */
const KEPT_FOR: RestrictionGround = 'legal-duty';

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
    // First the keys, then the claim: after a crash in between the command is repeated, and what counts is what was said.
    const shredded = await this.keyStore.shred(by.tenant, subject, classes);
    const keys = shredded.map((key) => ({ class: key.class, shreddedAt: key.shreddedAt.toISOString() }));
    const told = await this.toldOf(by.tenant, subject);
    const untold = keys.filter((key) => !told.has(key.class));
    if (untold.length === 0) return { subject, keys };
    // Where every key goes nothing stays, and no system is told to obey a restriction of somebody it may never have known.
    const restrictionId = told.size > 0 || untold.length === keyClasses.length ? undefined : newId();
    let macs: Buffer[] = [];
    const { lastPosition } = await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      // By definition it ends every link of the subject as well.
      events: [
        subjectEvent(subject, 'IdentityErased.v1', { keys: untold }),
        ...(restrictionId === undefined
          ? []
          : [subjectEvent(subject, 'SubjectRestricted.v1', { restrictionId, ground: KEPT_FOR })]),
      ],
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
        if (restrictionId !== undefined)
          await query({
            text: 'INSERT INTO subject_restriction (tenant, id, subject, ground, since) VALUES ($1, $2, $3, $4, now())',
            values: [by.tenant, restrictionId, subject, KEPT_FOR],
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

  /** Classes whose destruction the ledger knows: after the loss of the key store nothing else does. */
  private async toldOf(tenant: TenantId, subject: SubjectId): Promise<Set<KeyClass>> {
    const events = await this.store.load(tenant, subjectStream(subject));
    const erased = events.filter(({ type }) => type === 'IdentityErased.v1');
    return new Set(erased.flatMap(({ data }) => (data['keys'] as ErasedIdentity['keys']).map((key) => key.class)));
  }
}
