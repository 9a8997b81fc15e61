/** An upgrade: this build restores, migrates, reads, projects and rebuilds what the build before it has stored. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readConfig } from '#platform';
import { schemas } from '../../apps/server/src/schemas.js';
import { startServer, type RunningServer } from '../../apps/server/src/server.js';
import { restoreDataSet, type RestoredDataSet } from '../support/data-set.js';
import { until } from '../support/until.js';

/** Tables that are only ever written by projections. */
const PROJECTED = ['tile', 'request_summary', 'request_kept_group', 'retention_kept_person'];

let data: RestoredDataSet;
let server: RunningServer;

/** Rows of the projections' tables with the columns the data set was made with. */
async function projected(): Promise<Record<string, Record<string, unknown>[]>> {
  const all: Record<string, Record<string, unknown>[]> = {};
  for (const name of PROJECTED) {
    const { columns = [] } = data.manifest.tables.find((table) => table.name === name) ?? {};
    const { rows } = await data.ledger.superuser.query<Record<string, unknown>>(
      `SELECT ${columns.join(', ')} FROM ${name} ORDER BY 1, 2, 3`,
    );
    all[name] = rows;
  }
  return all;
}

/** A state may have learned fields; what it had is the same. */
const parsed = (rows: Record<string, unknown>[] = []): unknown[] =>
  rows.map((row) => ('state' in row ? { ...row, state: JSON.parse(String(row['state'])) as object } : row));

async function get(
  path: string,
  as: keyof RestoredDataSet['keys'] = 'officer',
): Promise<{ status: number; body: never }> {
  const answer = await fetch(server.baseUrl + path, { headers: { authorization: `Bearer ${data.keys[as]}` } });
  return { status: answer.status, body: (await answer.json()) as never };
}

async function post(path: string, body: unknown, as: keyof RestoredDataSet['keys'] = 'officer'): Promise<Response> {
  return fetch(server.baseUrl + path, {
    method: 'POST',
    headers: {
      ...{ authorization: `Bearer ${data.keys[as]}`, 'content-type': 'application/json' },
      'idempotency-key': `upgrade-${path}-${JSON.stringify(body).length}`,
    },
    body: JSON.stringify(body),
  });
}

beforeAll(async () => {
  data = await restoreDataSet();
}, 240_000);
afterAll(async () => {
  await server?.close();
  await data.remove();
});

describe('the data set of the build before', () => {
  it('is restored entry by entry into the schema of its time, and migrated', async () => {
    const [log] = data.manifest.logs;
    expect(data.said.join('\n')).toContain(`log ${log?.logId}: ${log?.size} entries restored`);
    const { rows } = await data.ledger.superuser.query<{ name: string }>('SELECT name FROM lethe_migration');
    expect(rows).toHaveLength(schemas.ledger.length + 1);
    expect(data.manifest.migrations.length).toBeLessThan(rows.length + 1);
  });

  it('is rebuilt equal: to the byte twice, and to what the build before had stored', async () => {
    const stored = await projected();
    expect(await data.lethe('rebuild')).toBe(0);
    const once = await projected();
    expect(await data.lethe('rebuild')).toBe(0);
    expect(await projected()).toEqual(once);
    for (const name of PROJECTED) {
      expect([name, once[name]?.length]).toEqual([name, stored[name]?.length]);
      expect(parsed(once[name])).toMatchObject(parsed(stored[name]) as object[]);
    }
    expect(stored['request_summary']?.length).toBeGreaterThan(4);
  });

  it('is served after its replay, by the keys of its people, with what they had decided', async () => {
    const { rows } = await data.ledger.superuser.query<{ id: string }>('SELECT id FROM connection');
    // Its shop is gone for good: the operator names it, and the ledger keeps that.
    expect(await data.lethe('replay')).toBe(1);
    expect(await data.lethe('replay', ...rows.flatMap(({ id }) => ['--without', id]))).toBe(0);
    server = await startServer(readConfig(data.environment));
    const check = async (subject: string): Promise<unknown> => {
      const body = { subject: { identifiers: [{ type: 'email', value: subject }] }, purpose: 'newsletter' };
      return ((await (await post('/v1/consents/check', body, 'system')).json()) as { decision: string }).decision;
    };
    expect([await check('p5005@example.test'), await check('p5006@example.test')]).toEqual(['permit', 'deny']);
    const found = (await (await post('/v1/requests/search', {})).json()) as { items: { id: string; status: string }[] };
    expect(new Set(found.items.map(({ status }) => status))).toEqual(new Set(['closed', 'deciding']));
    let certificates = 0;
    for (const { id, status } of found.items) {
      expect((await get(`/v1/requests/${id}`)).status).toBe(200);
      if (status === 'closed' && (await get(`/v1/requests/${id}/certificate`)).status === 200) certificates += 1;
    }
    expect(certificates).toBe(3);
    expect((await get('/v1/holds')).body).toMatchObject({ items: [{ owner: 'legal' }] });
  }, 240_000);

  it('goes on: its log is signed further, and a new fact stands behind the old ones', async () => {
    const before = data.manifest.logs[0]?.size ?? 0;
    const given = await post(
      '/v1/consents',
      {
        subject: { identifiers: [{ type: 'email', value: 'new@example.test' }] },
        decisions: [{ purpose: 'newsletter', decision: 'given' }],
        ...{ notice: { id: 'signup', version: '1' }, method: 'web-form', evidence: {} },
        collectedAt: new Date().toISOString(),
      },
      'system',
    );
    const { position } = (await given.json()) as { position: number };
    expect([given.status, position >= before]).toEqual([201, true]);
    const { body } = await get('/v1/ledger', 'auditor');
    const { logId } = body as { logId: string };
    const proof = await fetch(`${server.baseUrl}/v1/logs/${logId}/consistency?from=${before}&to=${position + 1}`, {
      headers: { authorization: `Bearer ${data.keys.auditor}` },
    });
    expect(proof.status).toBe(200);
    await until('ready', async () => (await get('/readyz')).status === 200);
  });
});

describe('a schema and a build that do not fit', () => {
  const future = '9001-later-table-1700000009001';
  const start = async (also: Record<string, string> = {}): Promise<unknown> => {
    const other = await startServer(readConfig({ ...data.environment, ...also })).catch(
      (error: Error) => error.message,
    );
    if (typeof other !== 'string') await other.close();
    return typeof other === 'string' ? other : 'started';
  };
  const plant = (sql: string): Promise<unknown> => data.ledger.superuser.query(sql);

  it('are refused when the build is older, in a sentence that says what to do', async () => {
    expect(await start()).toBe('started');
    await plant(`INSERT INTO lethe_migration (timestamp, name) VALUES (1700000009001, '${future}')`);
    expect(await start()).toBe(
      'the schema of the ledger does not fit this build: it was migrated by a newer build (9001-later-table). Start that build, or set LETHE_ACCEPT_SCHEMA=9001-later-table while both run.',
    );
    // The hours of a rolling upgrade, named by the operator; another migration still refuses.
    expect(await start({ LETHE_ACCEPT_SCHEMA: '9001-later-table' })).toBe('started');
    expect(await start({ LETHE_ACCEPT_SCHEMA: '9000-other' })).toContain('newer build');
    await plant(`DELETE FROM lethe_migration WHERE name = '${future}'`);
  });

  it('are refused when the schema is older', async () => {
    const last = schemas.ledger.at(-1)?.id ?? '';
    await plant(`UPDATE lethe_migration SET name = 'x' || name WHERE name LIKE '${last}-%'`);
    expect(await start()).toContain(`it lacks ${last}. Run lethe migrate with this build first.`);
    await plant(`UPDATE lethe_migration SET name = substr(name, 2) WHERE name LIKE 'x%'`);
    expect(await start()).toBe('started');
  });

  it('fit for one step: nothing that the build before uses is dropped, renamed or made required', () => {
    const known = new Set(data.manifest.migrations);
    const added = schemas.ledger.filter(({ id }) => !known.has(id));
    const contracting =
      /\b(DROP\s+(TABLE|COLUMN)|RENAME|SET\s+NOT\s+NULL)\b|ADD\s+COLUMN\s+\w+\s+[^,;]*NOT\s+NULL(?![^,;]*DEFAULT)/i;
    expect(added.filter(({ sql }) => contracting.test(sql)).map(({ id }) => id)).toEqual([]);
    // The control.
    for (const sql of [
      'ALTER TABLE a DROP COLUMN b',
      'ALTER TABLE a RENAME b TO c',
      'ALTER TABLE a ADD COLUMN b int NOT NULL',
    ])
      expect(contracting.test(sql)).toBe(true);
    expect(contracting.test('ALTER TABLE a ADD COLUMN b int NOT NULL DEFAULT 1')).toBe(false);
  });
});
