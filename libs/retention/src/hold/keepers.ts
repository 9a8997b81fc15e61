/** Everything that keeps records from a retention run at this moment: holds, restrictions, open requests for a copy. */
import { Injectable } from '@nestjs/common';
import { DomainError, type TenantId } from '#kernel';
import { Database, EventStore, Subscriptions } from '#ledger';
import type { HoldScope } from './hold.js';
import { Holds } from './holds.js';

/** `by`: `hold:<id>`, `restriction:<id>` or `request:<id>`. */
export interface Keeper {
  by: string;
  scope: HoldScope;
  /** A hold on a person whom nobody can find stops the run; a stranger's request for a copy must not. */
  strict: boolean;
}

const PATIENCE_MS = 5000;

@Injectable()
export class Keepers {
  constructor(
    private readonly holds: Holds,
    private readonly database: Database,
    private readonly store: EventStore,
    private readonly subscriptions: Subscriptions,
  ) {}

  /** As of the newest fact. 503 `not-caught-up` when the facts are not read yet: an old picture would take too much. */
  async now(tenant: TenantId): Promise<Keeper[]> {
    const { size } = await this.store.head(tenant);
    if (!(await this.subscriptions.caughtUp(tenant, 'retention-kept-people', size - 1, PATIENCE_MS)))
      throw new DomainError(503, 'not-caught-up', {
        detail: 'The newest restrictions and requests are not read yet. Repeat in a moment.',
        retryable: true,
        retryAfter: 2,
      });
    const { rows } = await this.database.fetch<{ id: string; subject: string; why: string }>(tenant, {
      name: 'kept-people',
      text: 'SELECT id, subject, why FROM retention_kept_person WHERE tenant = $1 AND now ORDER BY id',
      values: [tenant],
    });
    const holds = (await this.holds.inForce(tenant)).map(({ id, scope }) => ({
      by: `hold:${id}`,
      scope,
      strict: true,
    }));
    const people = rows.map(({ id, subject, why }) => ({
      by: `${why}:${id}`,
      scope: { subjectId: subject, connectionId: null, dataset: null },
      strict: false,
    }));
    return [...holds, ...people];
  }
}
