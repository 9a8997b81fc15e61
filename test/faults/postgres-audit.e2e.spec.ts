/** P10: when the entry that somebody read a person's data can't be written, nobody gets the data. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { attempt, declare, record, untilWell } from '../support/outage.js';
import { startTestServer, type TestServer } from '../support/test-server.js';

const READS = 40;

let lethe: TestServer;
let path = '';

beforeAll(async () => {
  lethe = await startTestServer({ environment: { LETHE_LOG_LEVEL: 'silent' } });
  await declare(lethe);
  path = `/v1/subjects/${(await record(lethe, attempt())).body.subjectId}/consents`;
}, 240_000);
afterAll(() => lethe.close());

async function entries(): Promise<number> {
  const text = `SELECT count(*)::int AS n FROM event WHERE type = 'LetheReadRecorded.v1'`;
  return (await lethe.superuser.query<{ n: number }>(text)).rows[0]?.n ?? 0;
}

/** Refuses audit entries as a full disk, or as a fault nobody thought of, would. */
async function plant(code: string): Promise<void> {
  await lethe.superuser.query(`
    CREATE FUNCTION no_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '${code}'; END $$;
    CREATE TRIGGER no_audit BEFORE INSERT ON event FOR EACH ROW WHEN (NEW.type = 'LetheReadRecorded.v1') EXECUTE FUNCTION no_audit();`);
}

async function uproot(): Promise<void> {
  await lethe.superuser.query('DROP TRIGGER no_audit ON event; DROP FUNCTION no_audit()');
}

describe('a read whose entry cannot be written', () => {
  it.each([
    ['a full disk', '53100', 503],
    ['a fault of another kind', 'P0001', 500],
  ])(
    '%s: no answer without its entry, and answers again afterwards',
    async (_what, code, status) => {
      const before = await entries();
      // Control: the same read is answered, and leaves its entry.
      expect((await lethe.get(path)).status).toBe(200);
      expect(await entries()).toBe(before + 1);
      await plant(code);
      const answers = await Promise.all(Array.from({ length: READS }, () => lethe.get(path)));
      expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([status]));
      expect(answers.filter(({ body }) => JSON.stringify(body).includes('news'))).toEqual([]);
      expect(await entries()).toBe(before + 1);
      await uproot();
      await untilWell(() => lethe.get(path));
      expect(await entries()).toBeGreaterThan(before + 1);
      await untilWell(() => lethe.get('/readyz'));
    },
    240_000,
  );
});
