/** A system without a plugin: its own PostgreSQL, its own worker processes, connected to Lethe by an inbox. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from './test-database.js';
import type { TestServer } from './test-server.js';

const WORKER = join(import.meta.dirname, 'inbox-worker.mjs');

/** Tables of the system, which are also its declared datasets. */
export const TABLES = ['members', 'bookings', 'notes'] as const;

const schema = `
  CREATE TABLE members (id int PRIMARY KEY, email text NOT NULL, name text NOT NULL);
  CREATE TABLE bookings (id int PRIMARY KEY, email text NOT NULL, what text NOT NULL);
  CREATE TABLE notes (id int PRIMARY KEY, email text NOT NULL, words text NOT NULL);
  INSERT INTO members VALUES (1, 'ines@example.test', 'Ines'), (2, 'jan@example.test', 'Jan'), (3, 'INES@example.test.org', 'Not Ines');
  INSERT INTO bookings VALUES (1, 'ines@example.test', 'court 1'), (2, 'ines@example.test', 'court 2'), (3, 'jan@example.test', 'court 1');
  INSERT INTO notes VALUES (1, 'jan@example.test', 'prefers mornings');`;

/** How a worker behaves; honest and quick when nothing is said. */
export interface Manner {
  /** Says erased and keeps the rows. */
  lies?: boolean;
  /** The one email address it says this of only. */
  liesTo?: string;
  /** A dataset it never answers. */
  forgets?: string;
  /** A kind of task it claims and never finishes. */
  stalls?: string;
  slowMs?: number;
  leaseSeconds?: number;
  /** Ends by SIGKILL in the upload, after this many records. */
  cutAfterParts?: number;
}

/** A worker's process and what it said. */
export interface Worker {
  lines: string[];
  said(line: string | RegExp, waitMs?: number): Promise<string>;
  kill(): Promise<void>;
  process: ChildProcess;
}

export interface InboxSystem {
  /** Every row of every table, by table. */
  snapshot(): Promise<Record<string, unknown[]>>;
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  worker(manner?: Manner, key?: string): Worker;
  stopWorkers(): Promise<void>;
  connectionId: string;
  key: string;
  keyId: string;
  close(): Promise<void>;
}

/** What is needed of a server here: its API, and where its workers reach it. */
type Api = Pick<TestServer, 'post'> & { server: { baseUrl: string } };

/** A system key that may work at tasks. */
export async function taskKey(lethe: Api, label = 'club worker'): Promise<{ id: string; key: string }> {
  const body = { kind: 'system', label, scopes: ['tasks:work'] };
  const issued = await lethe.post('/v1/admin/api-keys', body, { as: 'admin' });
  expect(issued.status).toBe(201);
  return issued.body;
}

export const declaredDatasets = TABLES.map((name) => ({
  name,
  title: `Club ${name}`,
  categories: ['membership'],
  fields: [{ name: 'email', identifier: { type: 'email', strength: 'identifying' } }, { name: 'id' }],
  backupDays: 30,
  // Duties count from it; the system itself says when they are over, since nobody reads the dates.
  clockField: 'since',
}));

/** Check and enable, as an admin does. */
export async function enable(lethe: Pick<Api, 'post'>, id: string): Promise<void> {
  const checked = await lethe.post(`/v1/admin/connections/${id}/check`, {}, { as: 'admin' });
  expect([checked.status, checked.body.error]).toEqual([200, null]);
  const enabled = await lethe.post(`/v1/admin/connections/${id}/enable`, {}, { as: 'admin' });
  expect([enabled.status, enabled.body.status]).toEqual([200, 'enabled']);
}

export async function openClub(): Promise<TestDatabase> {
  return createTestDatabase([{ id: '0001-club', sql: schema }]);
}

/** Opens the system and connects it; workers are started by the spec. */
export async function connectInbox(
  lethe: Api,
  name = 'club',
  datasets: unknown[] = declaredDatasets,
): Promise<InboxSystem> {
  const club = await openClub();
  const { id: keyId, key } = await taskKey(lethe, name);
  const body = { name, legalEntity: 'Club e.V.', country: 'DE', keyId, datasets };
  const declared = await lethe.post('/v1/admin/inboxes', body, { as: 'admin' });
  expect([declared.status, declared.body.errors]).toEqual([201, undefined]);
  const connectionId: string = declared.body.id;
  await enable(lethe, connectionId);
  const workers: Worker[] = [];
  return {
    ...{ connectionId, key, keyId },
    query: (text, values) => club.superuser.query(text, values),
    snapshot: async () => snapshotOf(club),
    worker: (manner, other) => {
      const started = startWorker(
        { baseUrl: lethe.server.baseUrl, key: other ?? key, connectionId, databaseUrl: club.urls.ownerUrl },
        manner,
      );
      workers.push(started);
      return started;
    },
    stopWorkers: async () => {
      await Promise.all(workers.map((one) => one.kill()));
    },
    close: async () => {
      await Promise.all(workers.map((one) => one.kill()));
      await club.drop();
    },
  };
}

export async function snapshotOf(club: TestDatabase): Promise<Record<string, unknown[]>> {
  const all: Record<string, unknown[]> = {};
  for (const table of TABLES) all[table] = (await club.superuser.query(`SELECT * FROM ${table} ORDER BY id`)).rows;
  return all;
}

function startWorker(settings: Record<string, unknown>, manner: Manner = {}): Worker {
  const child = spawn(process.execPath, [WORKER, JSON.stringify({ ...settings, manner })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.split('\n').filter(Boolean)));
  const gone = once(child, 'exit');
  return {
    process: child,
    lines,
    said: async (wanted, waitMs = 30_000) => {
      const end = Date.now() + waitMs;
      for (;;) {
        const found = lines.find((line) => (typeof wanted === 'string' ? line === wanted : wanted.test(line)));
        if (found) return found;
        if (Date.now() > end) throw new Error(`the worker never said it; it said ${lines.join(', ')}`);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await gone;
    },
  };
}
