/** What a hold says of tasks: nobody begins to erase what it keeps, and whoever waits for such a task hears of it at once. */
import { Inject, Injectable } from '@nestjs/common';
import { wakeIn } from '#jobs';
import type { Clock, TenantId } from '#kernel';
import type { Process, StoredEvent } from '#ledger';
import { CLOCK } from '#platform';
import { holdEvents, Holds, type HoldScope } from '#retention';
import type { Asked, TaskRow } from './task.js';
import { Tasks } from './tasks.js';

/** Read from its domain, so that the type is declared wherever this process listens. */
const PLACED: readonly string[] = holdEvents.filter((one) => one === 'HoldPlaced.v1');

@Injectable()
export class HeldTasks implements Process {
  readonly name = 'inbox-placed-holds';
  readonly types = new Set(PLACED);

  constructor(
    private readonly holds: Holds,
    private readonly tasks: Tasks,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** True while a hold keeps something that the task would change: it wins from the moment it is acknowledged. */
  async keep(tenant: TenantId, { kind, subject, connection: connectionId }: TaskRow, asked: Asked): Promise<boolean> {
    if (kind !== 'apply') return false;
    const changed = asked.datasets.filter(({ action }) => action !== 'retain').map(({ name }) => name);
    const people = asked.people ?? [subject];
    const found = changed.flatMap((dataset) =>
      people.map((one) => this.holds.covering(tenant, { subject: one, connectionId, dataset })),
    );
    return (await Promise.all(found)).some((hold) => hold !== undefined);
  }

  /** Each that waits asks anew what is kept, of everybody in its plan: more are woken than the hold is about, never fewer. */
  async handle({ tenant, type, data }: StoredEvent): Promise<void> {
    if (!PLACED.includes(type)) return;
    const { connectionId } = data['scope'] as HoldScope;
    const waiting = await this.tasks.waitingFor(tenant, connectionId);
    await this.tasks.transaction(tenant, (query) => wakeIn(query, tenant, waiting, this.clock.now()));
  }
}
