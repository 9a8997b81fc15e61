/** What the inbox does by itself: ends what is overdue or not wanted any more, forgets what is over, and counts. */
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Housekeeping } from '#jobs';
import type { Clock, TenantId } from '#kernel';
import { Database, Subscriptions, type Process, type StoredEvent } from '#ledger';
import { CLOCK, CONFIG, Metrics, TenantReadings, type Config } from '#platform';
import { eachTenant, Tenants } from '#tenancy';
import { HeldTasks } from './held-tasks.js';
import { OpenTasks } from './open-task.js';
import { Tasks } from './tasks.js';

const DAY = 86_400_000;
const OVERDUE_EVERY_MS = 5 * 60_000;
/** Long enough for a request that is incomplete to be mended without asking again. */
const RECORDS_DAYS = 30;
const TASKS_DAYS = 90;
/** Facts of requests, which lie above: after them nobody may act for the request any more. */
const ENDS = ['RequestWithdrawn.v1', 'RequestClosed.v1'];

/** A request that ended takes its open tasks back: nobody erases for somebody who has withdrawn. */
@Injectable()
export class CancelTasks implements Process {
  readonly name = 'inbox-ended-requests';
  readonly types = new Set(ENDS);

  constructor(
    private readonly tasks: Tasks,
    private readonly opened: OpenTasks,
  ) {}

  async handle({ tenant, type, data, recordedAt }: StoredEvent): Promise<void> {
    if (!ENDS.includes(type)) return;
    // Aftercare opens tasks after the end; those stay.
    const open = await this.tasks.openOf(tenant, data['requestId'] as string, new Date(recordedAt));
    for (const task of open) await this.opened.end(tenant, task, 'task-cancelled');
  }
}

/** Over all tenants, one after another. */
@Injectable()
export class TaskChores {
  private readonly readings = new TenantReadings(
    async () => (await this.tenants.all()).map(({ id }) => id),
    (tenant) => this.count(tenant),
  );

  constructor(
    private readonly tenants: Tenants,
    private readonly tasks: Tasks,
    private readonly opened: OpenTasks,
    private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async endOverdue(now: Date): Promise<void> {
    await eachTenant(this.tenants, async (id) => {
      for (const task of await this.tasks.overdue(id, now)) await this.opened.end(id, task, 'task-overdue');
    });
  }

  async prune(now: Date): Promise<void> {
    await eachTenant(this.tenants, (id) => this.pruneOne(id, now.getTime()));
  }

  /** Open tasks and the age of the oldest, in seconds, over all tenants. */
  async waiting(): Promise<{ open: number; claimed: number; oldestSeconds: number }> {
    const now = this.clock.now().getTime();
    const counts = await this.readings.all();
    const sum = (pick: (one: Counted) => number): number => counts.reduce((total, one) => total + pick(one), 0);
    const ages = counts.flatMap(({ oldest }) => (oldest ? [(now - oldest.getTime()) / 1000] : []));
    return { open: sum((one) => one.open), claimed: sum((one) => one.claimed), oldestSeconds: Math.max(0, ...ages) };
  }

  private async pruneOne(tenant: TenantId, now: number): Promise<void> {
    await this.database.transaction(tenant, async (query) => {
      await query({
        text: `DELETE FROM inbox_part WHERE tenant = $1 AND task IN (
                 SELECT id FROM inbox_task WHERE tenant = $1 AND finished_at < $2)`,
        values: [tenant, new Date(now - RECORDS_DAYS * DAY)],
      });
      await query({
        text: 'DELETE FROM inbox_task WHERE tenant = $1 AND finished_at < $2',
        values: [tenant, new Date(now - TASKS_DAYS * DAY)],
      });
    });
  }

  private async count(tenant: TenantId): Promise<Counted> {
    const { rows } = await this.database.fetch<Counted>(tenant, {
      name: 'inbox-waiting',
      text: `SELECT count(*) FILTER (WHERE state = 'open')::int AS open, count(*) FILTER (WHERE state = 'claimed')::int AS claimed,
               min(created_at) AS oldest FROM inbox_task WHERE tenant = $1 AND state IN ('open', 'claimed')`,
      values: [tenant],
    });
    return rows[0] ?? { open: 0, claimed: 0, oldest: null };
  }
}

interface Counted {
  open: number;
  claimed: number;
  oldest: Date | null;
}

/** What listens to facts of requests and holds. */
@Injectable()
export class InboxProcesses {
  constructor(
    readonly endedRequests: CancelTasks,
    readonly placedHolds: HeldTasks,
  ) {}
}

@Injectable()
export class InboxWorker implements OnModuleInit {
  constructor(
    private readonly processes: InboxProcesses,
    private readonly chores: TaskChores,
    private readonly housekeeping: Housekeeping,
    private readonly subscriptions: Subscriptions,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    if (!this.config.LETHE_ROLES.includes('worker')) return;
    this.subscriptions.process(this.processes.endedRequests);
    this.subscriptions.process(this.processes.placedHolds);
    this.housekeeping.every('inbox-overdue', OVERDUE_EVERY_MS, (now) => this.chores.endOverdue(now));
    this.housekeeping.every('inbox-prune', DAY, (now) => this.chores.prune(now));
  }
}

/** Gauges: tasks that wait for their systems. */
@Injectable()
export class InboxMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly chores: TaskChores,
  ) {}

  onModuleInit(): void {
    this.metrics.gauge(
      'lethe_inbox_tasks',
      'Tasks that connected systems have not finished',
      ['state'],
      async (set) => {
        const { open, claimed } = await this.chores.waiting();
        set(open, { state: 'open' });
        set(claimed, { state: 'claimed' });
      },
    );
    this.metrics.gauge('lethe_inbox_oldest_seconds', 'Age of the oldest unfinished task', [], async (set) => {
      set((await this.chores.waiting()).oldestSeconds);
    });
  }
}
