/** Adds a human to the tenant with roles; an identity provider's human at most once. */
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { unprocessable } from '#kernel';
import { CONFIG, type Caller, type Config } from '#platform';
import { Members, type Member } from './members.js';
import { OwnIdentifiers } from './member-marks.js';
import { OidcSubject, readIssuers } from './oidc-issuers.js';

/** Roles that a human may have; `system` and `subject` are never given to a member. */
export const humanRoles = z.enum(['admin', 'privacy-officer', 'auditor']);

/**
 * `oidcSubject`: who may act as this member with a token of a configured issuer; `subject` is the token's `sub`.
 * `identifiers`: under what the human is known as a person, such as their e-mail address; kept as keyed hashes.
 */
export const AddMemberBody = z
  .strictObject({
    label: z.string().min(1).max(200),
    roles: z.array(humanRoles).min(1).max(3),
    oidcSubject: OidcSubject.optional(),
    identifiers: OwnIdentifiers.optional(),
  })
  .meta({ id: 'NewMember' });

export class AddMember extends Command<Member> {
  constructor(
    readonly by: Caller,
    readonly body: z.infer<typeof AddMemberBody>,
  ) {
    super();
  }
}

@CommandHandler(AddMember)
export class AddMemberHandler implements ICommandHandler<AddMember> {
  constructor(
    private readonly members: Members,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async execute({ by, body }: AddMember): Promise<Member> {
    const { oidcSubject: human } = body;
    const issuers = readIssuers(this.config);
    if (human && !issuers.some(({ issuer, tenant }) => issuer === human.issuer && tenant === by.tenant))
      throw unprocessable('issuer-unknown', {
        detail: 'No issuer of this name speaks for this tenant. Configure it in LETHE_OIDC_ISSUERS first.',
        errors: [{ pointer: '/oidcSubject/issuer', code: 'issuer-unknown' }],
      });
    const { actorRef, principal, idempotency } = by;
    const member = await this.members.add(by.tenant, { actorRef, member: principal.id, idempotency }, body);
    by.idempotency = undefined;
    return member;
  }
}
