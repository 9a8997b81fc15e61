/** Stored facts keep their meaning: every fold and every projection over kept logs gives what is committed. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EventStore, Projection, StoredEvent } from '#ledger';
import { foldRequest } from '#requests';
import { schemas } from '../../apps/server/src/schemas.js';
import { AccessSourcesProjection } from '../../libs/access-log/src/access-sources.js';
import { mailState } from '../../libs/notifications/src/mail.js';
import { PublicEvents } from '../../libs/propagation/src/event/public-events.js';
import { PropagationProjection } from '../../libs/propagation/src/propagation.projection.js';
import { foldSystems } from '../../libs/propagation/src/system.js';
import { RequestSummaryProjection } from '../../libs/requests/src/reading/request-summary.projection.js';
import { KeptGroupsProjection } from '../../libs/requests/src/step/kept-groups.projection.js';
import { KeptPeopleProjection } from '../../libs/retention/src/hold/kept-people.projection.js';
import { foldPlan } from '../../libs/retention/src/plan/plan-state.js';
import { RefusalsProjection } from '../../libs/tenancy/src/search-refusals.js';
import { foldSetting } from '../../libs/tenancy/src/settings.js';
import { goldenLogs } from '../support/golden-leaves.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const folder = join(import.meta.dirname, 'meanings');

interface Meaning {
  folded: [stream: string, state: unknown][];
  told: unknown;
  projected: Record<string, unknown[]>;
}

/** By the streams they are folds of. */
const FOLDS: Record<string, (events: StoredEvent[]) => unknown> = {
  request: foldRequest,
  'retention-plan': (events) => foldPlan(events),
  setting: foldSetting,
  'connected-systems': foldSystems,
  mail: mailState,
};

const TABLES = [
  ...['request_summary', 'request_kept_group', 'retention_kept_person', 'approval_refusal', 'access_source'],
  ...['access_run', 'propagation', 'propagation_system'],
];

const publicEvents = (log: readonly StoredEvent[]): PublicEvents =>
  new PublicEvents({
    load: (_: string, stream: string) => Promise.resolve(log.filter((event) => event.stream === stream)),
  } as unknown as EventStore);

const projections = (log: readonly StoredEvent[]): Projection[] => [
  ...[new RequestSummaryProjection(), new KeptGroupsProjection(), new KeptPeopleProjection()],
  ...[new RefusalsProjection(), new AccessSourcesProjection(), new PropagationProjection(publicEvents(log))],
];

/** Maps as lists of pairs, and of what is sealed only that it is. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_, member: unknown) => {
    if (member instanceof Map) return [...(member as Map<unknown, unknown>)];
    return (member as { sealed?: unknown } | null)?.sealed === 1 ? 'sealed' : member;
  });
  return text === undefined ? null : JSON.parse(text);
}

function folded(log: readonly StoredEvent[]): Meaning['folded'] {
  return [...new Set(log.map(({ stream }) => stream))].flatMap((stream) => {
    const fold = FOLDS[stream.split('/')[0]!];
    return fold ? [[stream, plain(fold(log.filter((event) => event.stream === stream)))]] : [];
  });
}

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase(schemas.ledger);
  await database.superuser.query(`SET TIME ZONE 'UTC'`);
}, 60_000);
afterAll(() => database.drop());

/** Rows of the projections' tables, read in the steps in which a service that was away would read them. */
async function projected(log: readonly StoredEvent[], step: number): Promise<Meaning['projected']> {
  const { tenant } = log[0]!;
  for (const projection of projections(log))
    await database.database.transaction(tenant, async (query) => {
      await projection.reset(query);
      for (let at = 0; at < log.length; at += step) await projection.apply(log.slice(at, at + step), query);
    });
  const rows: Meaning['projected'] = {};
  for (const table of TABLES) {
    const text = `SELECT to_jsonb(t) AS row FROM ${table} t WHERE tenant = $1 ORDER BY to_jsonb(t)::text`;
    rows[table] = (await database.superuser.query<{ row: unknown }>(text, [tenant])).rows.map(({ row }) => row);
  }
  return rows;
}

async function meaningOf(log: readonly StoredEvent[]): Promise<Meaning> {
  const told = plain(await publicEvents(log).of(log));
  return { folded: folded(log), told, projected: await projected(log, 500) };
}

describe('what the kept logs mean', () => {
  it.each(goldenLogs())('is what is committed of %s; to change it on purpose: LETHE_TEST_GOLDEN=meaning', async (name, log) => {
    const file = join(folder, `${name}.json`);
    const meaning = await meaningOf(log);
    if (process.env['LETHE_TEST_GOLDEN'] === 'meaning') writeFileSync(file, `${JSON.stringify(meaning, null, 1)}\n`);
    expect(meaning).toEqual(JSON.parse(readFileSync(file, 'utf8')));
    // However many events a step reads.
    expect(await projected(log, 7)).toEqual(await projected(log, 500));
  });

  it('would be seen to change, were a fold or a projection to pass over one type (control)', async () => {
    const committed = JSON.parse(readFileSync(join(folder, 'canaries.json'), 'utf8')) as Meaning;
    const [, log] = goldenLogs().find(([name]) => name === 'canaries')!;
    for (const [type, part] of [
      ['RequestResumed.v1', 'folded'],
      ['RequestClosed.v1', 'told'],
      ['ConnectedSystemDeclared.v1', 'projected'],
    ] as const) {
      const meaning = await meaningOf(log.filter((event) => event.type !== type));
      expect([type, meaning[part]]).not.toEqual([type, committed[part]]);
    }
  });

  it('is of every projection there is, and gives each of their tables rows', () => {
    const libs = join(import.meta.dirname, '../../libs');
    const sources = readdirSync(libs, { recursive: true, encoding: 'utf8' }).filter((path) => /\/src\/.*\.ts$/.test(path));
    const declared = sources.filter((path) =>
      /class \w+ implements Projection\b/.test(readFileSync(join(libs, path), 'utf8')),
    );
    expect(declared).toHaveLength(projections([]).length);
    const committed = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Meaning);
    const empty = TABLES.filter((table) => committed.every(({ projected: rows }) => rows[table]?.length === 0));
    expect(empty).toEqual([]);
  });
});
