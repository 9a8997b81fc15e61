/** Releases a hold: what it stopped may go on, inside what was decided. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { notFound, type SubjectId } from '#kernel';
import { Database, EventStore } from '#ledger';
import { decidingHuman, type Caller } from '#platform';
import { Sealer } from '#subjects';
import { holdPlace, holdReleased, type HoldScope } from './hold.js';
import { holdAlreadyReleased, releaserDecided } from '../retention.errors.js';

export const ReleaseHoldBody = z.strictObject({ reason: z.string().min(1).max(2000) }).meta({ id: 'ReleaseHold' });
export const ReleasedHold = z.strictObject({ id: z.uuid(), releasedAt: z.iso.datetime() }).meta({ id: 'ReleasedHold' });

/** Port: who has decided about what a hold keeps. Bound where requests are known; retention lies below them. */
export abstract class HoldWitnesses {
  /** True when the caller's human has attested or approved what would go on when the hold is released. */
  abstract decided(by: Caller, hold: { id: string; scope: HoldScope }): Promise<boolean>;
}

export class ReleaseHold extends Command<z.infer<typeof ReleasedHold>> {
  constructor(
    readonly by: Caller,
    readonly id: string,
    readonly reason: string,
    readonly now: Date,
  ) {
    super();
  }
}

interface Row {
  subject: string | null;
  connection: string | null;
  dataset: string | null;
  released_at: Date | null;
}

@CommandHandler(ReleaseHold)
export class ReleaseHoldHandler implements ICommandHandler<ReleaseHold> {
  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
    private readonly sealer: Sealer,
    private readonly witnesses: HoldWitnesses,
  ) {}

  /** Errors: 409 `approver-repeated` for a human who attested or approved what the release sets going. */
  async execute({ by, id, reason, now }: ReleaseHold): Promise<z.infer<typeof ReleasedHold>> {
    decidingHuman(by, now);
    const { rows } = await this.database.fetch<Row>(by.tenant, {
      name: 'hold-read',
      text: 'SELECT subject, connection, dataset, released_at FROM retention_hold WHERE tenant = $1 AND id = $2',
      values: [by.tenant, id],
    });
    const [row] = rows;
    if (!row) throw notFound('hold');
    if (row.released_at) throw holdAlreadyReleased();
    const scope: HoldScope = { subjectId: row.subject, connectionId: row.connection, dataset: row.dataset };
    if (await this.witnesses.decided(by, { id, scope })) throw releaserDecided();
    const owner = (row.subject ?? id) as SubjectId;
    const sealed = await this.sealer.sealAbout(by.tenant, owner, 'case', { reason }, holdPlace(id, 'released'));
    const answer = { id, releasedAt: now.toISOString() };
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [holdReleased({ id, scope }, sealed)],
      side: async (query) => {
        const { rowCount } = await query({
          text: 'UPDATE retention_hold SET released_at = $3 WHERE tenant = $1 AND id = $2 AND released_at IS NULL',
          values: [by.tenant, id, now],
        });
        if (rowCount === 0) throw holdAlreadyReleased();
      },
      ...(by.idempotency ? { idempotency: by.idempotency, respond: () => ({ status: 200, body: answer }) } : {}),
    });
    by.idempotency = undefined;
    return answer;
  }
}
