/** Logs of their own for the specs of the ledger: a fresh tenant, several stores on one database, and what is really stored. */
import { newId, systemClock, type Clock, type TenantId } from '#kernel';
import {
  declareEvents,
  Database,
  EventStore,
  ledgerMigrations,
  tenantTable,
  type Append,
  type Migration,
} from '#ledger';
import { appendLeaves, EMPTY_FRONTIER, leafHash, rootOf } from '#ledger';
import type { JsonObject } from '#kernel';
import { createTestDatabase, type TestDatabase } from './test-database.js';

declareEvents('Counted.v1');

/** A table that a spec may plant faults in. */
export const noteMigration: Migration = {
  id: '0999-test-note',
  sql: tenantTable('note', 'id text NOT NULL, size int NOT NULL CHECK (size < 1000), PRIMARY KEY (tenant, id)'),
};

/** A database with the ledger's tables and a note table. */
export function createLedgerDatabase(): Promise<TestDatabase> {
  return createTestDatabase([...ledgerMigrations, noteMigration]);
}

/** A tenant with an empty log. */
export async function openLog(store: EventStore): Promise<TenantId> {
  const tenant = newId() as TenantId;
  await store.database.transaction(tenant, (query) => store.open(query, tenant, tenant));
  return tenant;
}

/** Another process of the same service: its own connections, its own beliefs. */
export function replica(of: TestDatabase, clock: Clock = systemClock): EventStore {
  return new EventStore(new Database({ connectionString: of.urls.appUrl }), clock);
}

/** An append of one event. */
export function counted(tenant: TenantId, stream: string, data: JsonObject = {}): Append {
  return { tenant, actorRef: 'staff-1', events: [{ stream, type: 'Counted.v1', data }] };
}

export interface StoredRow {
  position: number;
  stream: string;
  version: number;
  recorded_at: Date;
  bytes: string;
  leaf_hash: Buffer;
}

/** All rows of a log, as the superuser sees them. */
export async function storedRows(
  { superuser }: Pick<TestDatabase, 'superuser'>,
  tenant: TenantId,
): Promise<StoredRow[]> {
  const { rows } = await superuser.query<StoredRow>(
    'SELECT position::int, stream, version, recorded_at, bytes, leaf_hash FROM event WHERE tenant = $1 ORDER BY position',
    [tenant],
  );
  return rows;
}

/** What must hold of every log at rest; returns its rows. Throws with the first thing that does not. */
export async function assertSound(of: Pick<TestDatabase, 'superuser'>, tenant: TenantId): Promise<StoredRow[]> {
  const rows = await storedRows(of, tenant);
  const { rows: heads } = await of.superuser.query<{ size: number; root: Buffer }>(
    'SELECT size::int, root FROM log_head WHERE tenant = $1',
    [tenant],
  );
  const versions = new Map<string, number>();
  rows.forEach((row, at) => {
    if (row.position !== at) throw new Error(`position ${row.position} stands at ${at}`);
    if (!leafHash(Buffer.from(row.bytes)).equals(row.leaf_hash))
      throw new Error(`leaf ${at} is not the hash of its bytes`);
    const leaf = JSON.parse(row.bytes) as { stream: string; version: number };
    const version = (versions.get(row.stream) ?? 0) + 1;
    if (row.version !== version || leaf.version !== version) throw new Error(`stream version at ${at} is not dense`);
    if (leaf.stream !== row.stream) throw new Error(`leaf ${at} is of another stream than its row`);
    versions.set(row.stream, version);
  });
  const root = rootOf(
    appendLeaves(
      EMPTY_FRONTIER,
      rows.map((row) => row.leaf_hash),
    ),
  );
  if (heads[0]?.size !== rows.length) throw new Error(`head says ${heads[0]?.size}, there are ${rows.length} leaves`);
  if (!root.equals(heads[0].root)) throw new Error('the root of the head is not the root of the leaves');
  return rows;
}
