/** A released hold resumes at once what it stopped: nobody waits for the hourly look. */
import { Inject, Injectable } from '@nestjs/common';
import { DomainError, type Clock } from '#kernel';
import { enqueueIn } from '#jobs';
import { Database, Subscriptions, type Process, type StoredEvent } from '#ledger';
import { CLOCK } from '#platform';
import { holdEvents, type HoldReleased } from '#retention';
import { lookJob } from '../course/request-jobs.js';
import { KeptGroups } from './kept-groups.projection.js';

const PATIENCE_MS = 5_000;
/** Read from its domain, so that the type is declared wherever this process listens. */
const RELEASED: readonly string[] = holdEvents.filter((one) => one === 'HoldReleased.v1');

@Injectable()
export class ResumeHeld implements Process {
  readonly name = 'requests-released-holds';
  readonly types = new Set(RELEASED);

  constructor(
    private readonly groups: KeptGroups,
    private readonly database: Database,
    private readonly subscriptions: Subscriptions,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async handle({ tenant, type, data, position, recordedAt }: StoredEvent): Promise<void> {
    if (!RELEASED.includes(type)) return;
    const released = data as unknown as HoldReleased;
    // A group kept a moment before the release must be in the list.
    if (!(await this.subscriptions.caughtUp(tenant, 'request-kept-groups', position, PATIENCE_MS)))
      throw new DomainError(503, 'not-caught-up', 'What is kept is not read yet; the release is handled again.');
    const groups = await this.groups.stoppedBy(tenant, released, recordedAt.slice(0, 10));
    if (groups.length === 0) return;
    const jobs = groups.map((group) => lookJob(group, released.id));
    await this.database.transaction(tenant, (query) => enqueueIn(query, tenant, jobs, this.clock.now()));
  }
}
