/** One decision on its way: which systems must obey it, who has said so when, who is late, and what a human settled. */
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { notFound, type Clock, type TenantId } from '#kernel';
import { EventStore, Subscriptions } from '#ledger';
import { CLOCK } from '#platform';
import { PublicEvents } from '../event/public-events.js';
import { positionNotReached } from '../propagation.errors.js';
import { PROPAGATION } from '../propagation.projection.js';
import { Systems } from '../systems.js';

const Line = z.strictObject({
  systemId: z.string(),
  name: z.string(),
  channel: z.string(),
  dueAt: z.string(),
  /** `late`: overdue without a word. `acknowledged-late`: it came after the deadline. */
  state: z.enum(['waiting', 'late', 'acknowledged', 'acknowledged-late', 'settled', 'released']),
  acknowledgedAt: z.string().nullable(),
  /** Channel that brought the word, or `by-hand`. */
  how: z.string().nullable(),
  /** From the recording of the decision to the word. */
  seconds: z.number().nullable(),
  escalatedAt: z.string().nullable(),
  /** Attempts to tell it by webhook, and what came of the last one. */
  attempts: z.int().nullable(),
  lastTrouble: z.string().nullable(),
});

export const PropagationReport = z
  .strictObject({
    position: z.int(),
    type: z.string(),
    subjectId: z.uuid(),
    purpose: z.string().nullable(),
    /** When Lethe knew: from here on its own check denies, on every replica, whatever a system does. */
    recordedAt: z.string(),
    recordId: z.string().nullable(),
    complete: z.boolean(),
    systems: z.array(Line),
    asOf: z.string(),
  })
  .meta({ id: 'PropagationReport' });
export type PropagationReport = z.infer<typeof PropagationReport>;

interface Row {
  system: string;
  due_at: Date;
  recorded_at: Date;
  state: 'waiting' | 'acknowledged' | 'settled' | 'released';
  ended_at: Date | null;
  how: string | null;
  late_at: Date | null;
  attempts: number | null;
  last_code: string | null;
}

const PATIENCE_MS = 2_000;

@Injectable()
export class PropagationReports {
  constructor(
    private readonly store: EventStore,
    private readonly subscriptions: Subscriptions,
    private readonly events: PublicEvents,
    private readonly systems: Systems,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** `id` is the decision's position in the ledger or the id of its consent record. Throws 404, 409 `position-not-reached`. */
  async report(tenant: TenantId, id: string): Promise<PropagationReport> {
    const position = await this.positionOf(tenant, id);
    const [stored] = await this.store.read(tenant, position, 1);
    const [event] = stored?.position === position ? await this.events.of([stored]) : [];
    if (!event || event.subject === null) throw notFound('decision');
    // Nobody owes what nobody has looked at: that would read as complete.
    if (!(await this.subscriptions.caughtUp(tenant, PROPAGATION, position, PATIENCE_MS))) throw positionNotReached();
    const names = new Map((await this.systems.all(tenant)).map((system) => [system.id, system]));
    const now = this.clock.now();
    const lines = (await this.rows(tenant, position)).map((row) => {
      const system = names.get(row.system);
      return { ...lineOf(row, now), name: system?.name ?? row.system, channel: system?.channel ?? 'unknown' };
    });
    const { recordId } = event.data as { recordId?: string };
    return {
      ...{ position, type: event.type, subjectId: event.subject, purpose: event.purpose, recordedAt: event.time },
      recordId: recordId ?? null,
      complete: lines.every(({ state }) => state !== 'waiting' && state !== 'late'),
      systems: lines,
      asOf: now.toISOString(),
    };
  }

  private async positionOf(tenant: TenantId, id: string): Promise<number> {
    if (/^\d{1,15}$/.test(id)) return Number(id);
    const { rows } = await this.store.database.fetch<{ position: number }>(tenant, {
      name: 'propagation-record',
      text: 'SELECT position FROM consent_record WHERE tenant = $1 AND id = $2',
      values: [tenant, id],
    });
    if (!rows[0]) throw notFound('decision');
    return rows[0].position;
  }

  private async rows(tenant: TenantId, position: number): Promise<Row[]> {
    const { rows } = await this.store.database.fetch<Row>(tenant, {
      name: 'propagation-report',
      text: `SELECT p.system, p.due_at, p.recorded_at, p.state, p.ended_at, p.how, p.late_at, d.attempts, d.last_code FROM propagation p
             LEFT JOIN LATERAL (
               SELECT max(w.attempts) AS attempts, max(w.last_code) AS last_code FROM webhook_delivery w JOIN webhook_endpoint e
                 ON e.tenant = w.tenant AND e.id = w.endpoint WHERE w.tenant = p.tenant AND w.position = p.position AND e.system = p.system) d ON true
             WHERE p.tenant = $1 AND p.position = $2 ORDER BY p.system`,
      values: [tenant, position],
    });
    return rows;
  }
}

type Line = PropagationReport['systems'][number];

function lineOf(row: Row, now: Date): Omit<Line, 'name' | 'channel'> {
  const overdue = row.late_at !== null || (row.ended_at ?? now) > row.due_at;
  const ended = row.state === 'acknowledged' || row.state === 'settled' ? row.ended_at : null;
  return {
    systemId: row.system,
    dueAt: row.due_at.toISOString(),
    state: stateOf(row.state, overdue),
    acknowledgedAt: ended?.toISOString() ?? null,
    how: row.how,
    seconds: ended ? (ended.getTime() - row.recorded_at.getTime()) / 1000 : null,
    escalatedAt: row.late_at?.toISOString() ?? null,
    attempts: row.attempts,
    lastTrouble: row.state === 'waiting' ? row.last_code : null,
  };
}

function stateOf(state: Row['state'], overdue: boolean): Line['state'] {
  switch (state) {
    case 'waiting':
      return overdue ? 'late' : 'waiting';
    case 'acknowledged':
      return overdue ? 'acknowledged-late' : 'acknowledged';
    case 'settled':
    case 'released':
      return state;
  }
}
