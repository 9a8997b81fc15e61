/** Who must obey which decision until when, who has said so, and who is late: folded from the ledger. */
import type { TenantId } from '#kernel';
import type { Projection, Query, StoredEvent } from '#ledger';
import type { PropagationState } from './propagation.js';
import { publicEventTypes, translatedTypes, type PublicEvent } from './event/public-event.js';
import type { PublicEvents } from './event/public-events.js';
import { durationMs, mustObey, type SystemDefinition } from './system.js';

/** Name of its cursor: whoever judges lateness waits for it first. */
export const PROPAGATION = 'propagation';

interface Debt {
  position: number;
  system: string;
  subject: string;
  purpose: string | null;
  type: string;
  forbids: boolean;
  recordedAt: string;
  dueAt: string;
}

export class PropagationProjection implements Projection {
  readonly name = PROPAGATION;
  readonly types = new Set([...translatedTypes, ...ending]);

  constructor(private readonly events: PublicEvents) {}

  async apply(events: StoredEvent[], query: Query): Promise<void> {
    const [first] = events;
    if (!first) return;
    const owing = new Map((await this.events.of(events)).map((event) => [event.position, event]));
    const systems = await readSystems(query, first.tenant);
    let debts: Debt[] = [];
    for (const event of events) {
      const said = owing.get(event.position);
      if (said) debts.push(...debtsOf(said, systems));
      if (!ending.has(event.type)) continue;
      // What ends a debt comes after it in the log, perhaps in the same batch.
      await writeDebts(query, first.tenant, debts);
      debts = [];
      await applyEnd(query, event, systems);
    }
    await writeDebts(query, first.tenant, debts);
  }

  async reset(query: Query): Promise<void> {
    await query({ text: 'DELETE FROM propagation' });
    await query({ text: 'DELETE FROM propagation_system' });
  }
}

const ending = new Set([
  'ConnectedSystemDeclared.v1',
  'EventsAcknowledged.v1',
  'PropagationAcknowledged.v1',
  'PropagationLate.v1',
  'PropagationSettled.v1',
]);

function debtsOf(event: PublicEvent, systems: ReadonlyMap<string, SystemDefinition>): Debt[] {
  const { obey, forbid } = publicEventTypes[event.type];
  const { position, subject, purpose, type, time } = event;
  if (!obey || subject === null) return [];
  const bound = [...systems].filter(([, system]) => mustObey(system, purpose));
  return bound.map(([system, { acknowledgeWithin }]) => {
    const dueAt = new Date(Date.parse(time) + durationMs(acknowledgeWithin)).toISOString();
    return { position, system, subject, purpose, type, forbids: forbid, recordedAt: time, dueAt };
  });
}

async function readSystems(query: Query, tenant: TenantId): Promise<Map<string, SystemDefinition>> {
  const { rows } = await query<{ id: string; definition: string }>({
    name: 'propagation-systems',
    text: 'SELECT id, definition FROM propagation_system WHERE tenant = $1',
    values: [tenant],
  });
  return new Map(rows.map(({ id, definition }) => [id, JSON.parse(definition) as SystemDefinition]));
}

async function writeDebts(query: Query, tenant: TenantId, debts: readonly Debt[]): Promise<void> {
  if (debts.length === 0) return;
  const column = <Name extends keyof Debt>(name: Name): Debt[Name][] => debts.map((debt) => debt[name]);
  await query({
    name: 'propagation-write',
    text: `INSERT INTO propagation (tenant, position, system, subject, purpose, type, forbids, recorded_at, due_at, state)
           SELECT $1, d.*, 'waiting' FROM unnest($2::bigint[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::boolean[], $8::timestamptz[], $9::timestamptz[]) AS d`,
    values: [
      ...[tenant, column('position'), column('system'), column('subject'), column('purpose')],
      ...[column('type'), column('forbids'), column('recordedAt'), column('dueAt')],
    ],
  });
}

async function applyEnd(query: Query, event: StoredEvent, systems: Map<string, SystemDefinition>): Promise<void> {
  const { tenant, type, data, recordedAt } = event;
  switch (type) {
    case 'ConnectedSystemDeclared.v1': {
      const { id, after } = data as unknown as { id: string; after: SystemDefinition };
      systems.set(id, after);
      await query({
        name: 'propagation-system',
        text: `INSERT INTO propagation_system (tenant, id, definition) VALUES ($1, $2, $3)
               ON CONFLICT (tenant, id) DO UPDATE SET definition = excluded.definition`,
        values: [tenant, id, JSON.stringify(after)],
      });
      if (after.status === 'retired')
        await end(query, tenant, id, null, Number.MAX_SAFE_INTEGER, { state: 'released', at: recordedAt, how: null });
      return;
    }
    case 'EventsAcknowledged.v1': {
      const { systemId, upTo } = data as { systemId: string; upTo: number };
      await end(query, tenant, systemId, null, upTo, { state: 'acknowledged', at: recordedAt, how: 'cursor' });
      return;
    }
    case 'PropagationLate.v1':
      await query({
        name: 'propagation-late',
        text: 'UPDATE propagation SET late_at = $4 WHERE tenant = $1 AND position = $2 AND system = $3 AND late_at IS NULL',
        values: [tenant, data['position'], data['systemId'], recordedAt],
      });
      return;
    case 'PropagationAcknowledged.v1':
    case 'PropagationSettled.v1': {
      const { systemId, positions, how } = data as { systemId: string; positions: number[]; how: string };
      const state = type === 'PropagationSettled.v1' ? 'settled' : 'acknowledged';
      await end(query, tenant, systemId, positions, Number.MAX_SAFE_INTEGER, { state, at: recordedAt, how });
      return;
    }
  }
}

/** The first word counts: what was acknowledged stays acknowledged when it was. */
async function end(
  query: Query,
  tenant: TenantId,
  system: string,
  positions: readonly number[] | null,
  before: number,
  { state, at, how }: { state: PropagationState; at: string; how: string | null },
): Promise<void> {
  await query({
    name: 'propagation-end',
    text: `UPDATE propagation SET state = $5, ended_at = $6, how = $7
           WHERE tenant = $1 AND system = $2 AND state = 'waiting' AND position < $4 AND ($3::bigint[] IS NULL OR position = ANY($3))`,
    values: [tenant, system, positions, before, state, at, how],
  });
}
