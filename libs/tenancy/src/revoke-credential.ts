/** Revokes a key or token: at once here, within two seconds on other replicas. */
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { notFound, type Clock } from '#kernel';
import { Database, EventStore } from '#ledger';
import { CLOCK, type Caller } from '#platform';
import { Principals } from './principals.js';
import { credentialStream } from './tenant.js';

export class RevokeCredential extends Command<{ id: string; revoked: true }> {
  constructor(
    readonly by: Caller,
    readonly id: string,
  ) {
    super();
  }
}

@CommandHandler(RevokeCredential)
export class RevokeCredentialHandler implements ICommandHandler<RevokeCredential> {
  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
    private readonly principals: Principals,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ by, id }: RevokeCredential): Promise<{ id: string; revoked: true }> {
    const { rows } = await this.database.fetch<{ revoked_at: Date | null }>(by.tenant, {
      text: 'SELECT revoked_at FROM credential WHERE tenant = $1 AND id = $2',
      values: [by.tenant, id],
    });
    if (!rows[0]) throw notFound('API key');
    if (!rows[0].revoked_at) {
      await this.store.append({
        tenant: by.tenant,
        actorRef: by.actorRef,
        events: [{ stream: credentialStream(id), type: 'CredentialRevoked.v1', data: { id } }],
        side: async (query) => {
          await query({
            text: 'UPDATE credential SET revoked_at = $3 WHERE tenant = $1 AND id = $2',
            values: [by.tenant, id, this.clock.now()],
          });
        },
      });
    }
    this.principals.forget();
    return { id, revoked: true };
  }
}
