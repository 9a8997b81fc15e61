/** Issues a system key or a personal token; the secret is shown once. */
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { notFound, unprocessable, type Clock, type JsonObject } from '#kernel';
import { EventStore } from '#ledger';
import { CLOCK, scopeGrants, type Caller } from '#platform';
import { newCredential } from './credential.js';
import { Members } from './members.js';
import { credentialStream, INSTALLER } from './tenant.js';

/** `kind: system` takes scopes; `kind: personal` takes the member it belongs to and has that member's roles. */
export const IssueCredentialBody = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('system'),
      label: z.string().min(1).max(100),
      scopes: z.array(z.string().max(50)).min(1).max(20),
      expiresInDays: z.number().int().min(1).max(730).default(365),
    }),
    z.strictObject({
      kind: z.literal('personal'),
      label: z.string().min(1).max(100),
      memberId: z.uuid(),
      expiresInDays: z.number().int().min(1).max(365).default(90),
    }),
  ])
  .meta({ id: 'IssueCredential' });

export const IssuedCredential = z
  .strictObject({ id: z.string(), key: z.string(), expiresAt: z.iso.datetime() })
  .meta({ id: 'IssuedCredential' });

export class IssueCredential extends Command<z.infer<typeof IssuedCredential>> {
  constructor(
    readonly by: Caller,
    readonly body: z.infer<typeof IssueCredentialBody>,
    readonly mode: 'test' | 'live',
  ) {
    super();
  }
}

@CommandHandler(IssueCredential)
export class IssueCredentialHandler implements ICommandHandler<IssueCredential> {
  constructor(
    private readonly store: EventStore,
    private readonly members: Members,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ by, body, mode }: IssueCredential): Promise<z.infer<typeof IssuedCredential>> {
    const scopes = body.kind === 'system' ? body.scopes : [];
    if (scopes.some((scope) => !Object.hasOwn(scopeGrants, scope))) {
      throw unprocessable('scope-unknown', `A scope is not one of: ${Object.keys(scopeGrants).join(', ')}.`);
    }
    const member = body.kind === 'personal' ? await this.members.find(by.tenant, body.memberId) : undefined;
    if (body.kind === 'personal' && !member) throw notFound('member');
    const vouchedBy = voucherOf(by, member?.id);
    const made = newCredential(mode, by.tenant);
    const now = this.clock.now();
    const expiresAt = new Date(now.getTime() + body.expiresInDays * 86_400_000);
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [
        {
          stream: credentialStream(made.id),
          type: 'CredentialIssued.v1',
          data: {
            id: made.id,
            kind: body.kind,
            member: member?.id ?? null,
            scopes,
            expiresAt: expiresAt.toISOString(),
            confirmed: vouchedBy !== null,
          },
        },
      ],
      side: async (query) => {
        await query({
          text: `INSERT INTO credential (tenant, id, kind, member, label, secret_hash, scopes, expires_at, created_at, issued_by, vouched_by)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
          values: [
            ...[by.tenant, made.id, body.kind, member?.id ?? null, body.label, made.hash, scopes, expiresAt, now],
            ...[by.principal.id, vouchedBy],
          ],
        });
      },
      ...(by.idempotency
        ? { idempotency: by.idempotency, respond: () => ({ status: 409, body: shownOnce(made.id) }) }
        : {}),
    });
    by.idempotency = undefined;
    return { id: made.id, key: made.text, expiresAt: expiresAt.toISOString() };
  }
}

/**
 * Who vouches for a new token: the installer, who has all of them anyway; or its own human, with a credential that somebody
 * has vouched for. Whoever mints one for another holds it, so nobody has vouched for it yet.
 */
function voucherOf({ principal }: Caller, member: string | undefined): string | null {
  if (principal.id === INSTALLER) return 'installer';
  return member !== undefined && principal.id === member && principal.vouched === true ? member : null;
}

/** The answer holds a secret and must not be kept: a repeat makes no second key, and is told that it has the first. */
function shownOnce(id: string): JsonObject {
  const detail =
    'This call has issued its key already, and a key is shown once. If it was lost, revoke it and issue another.';
  return { code: 'key-shown-once', detail, errors: [], extra: { id } };
}
