/** Subscribers of logs in a database of their own: what they have applied as rows, and what has stopped them. */
import { systemClock, type TenantId } from '#kernel';
import { EventStore, Subscriptions, type Process, type Projection } from '#ledger';
import { createLedgerDatabase, replica } from './ledger-fixture.js';
import type { TestDatabase } from './test-database.js';

export class Subscribers {
  readonly troubles: { subscription: string; position: number; cause: string }[] = [];
  private readonly running: Subscriptions[] = [];

  private constructor(
    readonly db: TestDatabase,
    readonly store: EventStore,
    /** Another replica's. */
    readonly other: EventStore,
  ) {}

  static async open(): Promise<Subscribers> {
    const db = await createLedgerDatabase();
    return new Subscribers(db, new EventStore(db.database, systemClock), replica(db));
  }

  subscribe(on: EventStore, tenants: TenantId[], ...parts: (Projection | Process)[]): Subscriptions {
    const subscriptions = new Subscriptions(
      on,
      () => Promise.resolve(tenants),
      (_, fields) => void this.troubles.push(fields),
    );
    for (const part of parts)
      if ('apply' in part) subscriptions.project(part);
      else subscriptions.process(part);
    subscriptions.start();
    this.running.push(subscriptions);
    return subscriptions;
  }

  /** The rows of `noting`, in order. */
  async noted(tenant: TenantId): Promise<string[]> {
    const text = 'SELECT id FROM note WHERE tenant = $1 ORDER BY id';
    return (await this.db.superuser.query<{ id: string }>(text, [tenant])).rows.map(({ id }) => id);
  }

  async close(): Promise<void> {
    await Promise.all(this.running.map((one) => one.stop()));
    await this.other.database.close();
    await this.db.drop();
  }
}

/** Notes each position it applies as a row, in the transaction of the cursor: a repetition would be an error. */
export const noting = (name: string): Projection => ({
  name,
  apply: async (events, query) => {
    const values = [events[0]!.tenant, events.map(({ position }) => `${name}/${String(position).padStart(9, '0')}`)];
    await query({
      text: 'INSERT INTO note (tenant, id, size) SELECT $1, id, 1 FROM unnest($2::text[]) AS n(id)',
      values,
    });
  },
  reset: async (query) => void (await query({ text: `DELETE FROM note WHERE id LIKE $1`, values: [`${name}/%`] })),
});
