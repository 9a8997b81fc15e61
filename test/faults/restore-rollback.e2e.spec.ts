/** A database that was set back behind its signed head: noticed at the start and while it runs, completed, or gone on from with a word. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ArchiveFiles, archivedSize, FileCheckpointLock, parseCheckpoint, splitNote } from '#ledger';
import { runVerb } from '../../apps/cli/src/run-verb.js';
import { byEmail } from '../support/connected-systems.js';
import { ServiceProcess } from '../support/service-process.js';

const subject = { identifiers: [byEmail('ada@example.test')] };
let service: ServiceProcess;
let archive: string;
let said: string[] = [];

async function lethe(...words: string[]): Promise<number> {
  said = [];
  const note = (line: string): number => said.push(line);
  return runVerb(words, { say: note, complain: note, environment: service.commandEnvironment });
}

async function consent(decision: 'given' | 'withdrawn'): Promise<{ position: number; token: string }> {
  const { status, body } = await service.post(
    '/v1/consents',
    {
      ...{ subject, decisions: [{ purpose: 'newsletter', decision }], notice: { id: 'signup', version: '1' } },
      ...{ method: 'web-form', collectedAt: new Date().toISOString(), evidence: {} },
    },
    { as: 'system' },
  );
  expect([status, body.code]).toEqual([201, undefined]);
  return body;
}

async function ledger(): Promise<{ logId: string; size: number; epoch: number }> {
  return (await service.get('/v1/ledger', { as: 'auditor' })).body;
}

/** Signed and archived up to now. */
async function settled(): Promise<{ logId: string; size: number }> {
  const lock = new FileCheckpointLock(join(service.dataDir, 'checkpoints'));
  for (const end = Date.now() + 90_000; Date.now() < end; await sleep(100)) {
    const { logId, size } = await ledger();
    const head = await lock.read(logId);
    const signed = head ? parseCheckpoint(splitNote(head.note).text).size : 0;
    if (signed === size && (await archivedSize(new ArchiveFiles(archive), logId, 0)) === size) return { logId, size };
  }
  throw new Error('the log is not signed and archived');
}

/** What a restore of a snapshot by hand does: the end of the log is gone, with the rows that were written with it. */
async function setBack(head: Record<string, unknown>): Promise<void> {
  const { ledger: sql } = service.superusers;
  const { size, root, frontier, recorded_at: recordedAt } = head;
  await sql.query('BEGIN');
  for (const table of ['event', 'consent_record']) await sql.query(`DELETE FROM ${table} WHERE position >= $1`, [size]);
  await sql.query('DELETE FROM idempotency');
  await sql.query('DELETE FROM checkpoint WHERE size > $1', [size]);
  await sql.query('UPDATE cursor SET position = LEAST(position, $1)', [size]);
  await sql.query('UPDATE log_head SET size = $1, root = $2, frontier = $3, recorded_at = $4', [
    ...[size, root, frontier, recordedAt],
  ]);
  await sql.query('COMMIT');
}

async function headRow(): Promise<Record<string, unknown>> {
  const { rows } = await service.superusers.ledger.query<Record<string, unknown>>('SELECT * FROM log_head');
  return rows[0]!;
}

/** What the ledger's database takes for the time; without a word, the time. */
async function databaseClock(time?: string): Promise<void> {
  const { ledger: sql } = service.superusers;
  const { rows } = await sql.query<{ name: string }>('SELECT current_database() AS name');
  const path = time === undefined ? 'DEFAULT' : 'public, pg_catalog';
  await sql.query(`ALTER DATABASE ${rows[0]!.name} SET search_path TO ${path}`);
  await sql.query('DROP FUNCTION IF EXISTS public.clock_timestamp()');
  if (time === undefined) return;
  await sql.query(
    `CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT ${time.replaceAll("'", "''")}'`,
  );
}

const ready = async (): Promise<[number, string | undefined]> => {
  const { status, body } = await service.get('/readyz');
  return [status, body.code];
};

async function untilReady(wanted: number): Promise<void> {
  for (const end = Date.now() + 90_000; Date.now() < end; await sleep(100)) if ((await ready())[0] === wanted) return;
  throw new Error(`readiness stays ${JSON.stringify(await ready())}`);
}

beforeAll(async () => {
  service = await ServiceProcess.prepare((dataDir) => ({
    LETHE_ARCHIVE_URL: pathToFileURL(join(dataDir, 'archive')).href,
  }));
  archive = join(service.dataDir, 'archive');
  await service.start();
  await service.put('/v1/purposes/newsletter', { name: 'N', legalBasis: 'consent', model: 'opt-in' }, { as: 'admin' });
  const notice = { id: 'signup', version: '1', language: 'en', text: 'News.', purposes: ['newsletter'] };
  await service.post('/v1/notices', notice);
}, 240_000);
afterAll(() => service.close());

describe('a database set back behind its signed head', () => {
  let past: Record<string, unknown> = {};
  let token = '';
  const check = (): ReturnType<ServiceProcess['post']> =>
    service.post('/v1/consents/check', { subject, purpose: 'newsletter', atLeast: token }, { as: 'system' });

  it('is noticed by a service that runs: nothing is appended, nobody is answered', async () => {
    await consent('given');
    past = await headRow();
    token = (await consent('withdrawn')).token;
    await settled();
    expect((await ready())[0]).toBe(200);
    const began = performance.now();
    await setBack(past);
    await untilReady(503);
    process.stderr.write(`      noticed in ${Math.round(performance.now() - began)} ms\n`);
    expect(await ready()).toEqual([503, 'rollback-detected']);
    const refused = await service.put(
      '/v1/purposes/x',
      { name: 'X', legalBasis: 'consent', model: 'opt-in' },
      { as: 'admin' },
    );
    expect([refused.status, refused.body.code]).toEqual([503, 'rollback-detected']);
    // The withdrawal is lost: an answer would permit what was withdrawn.
    expect((await check()).body.code).toBe('rollback-detected');
    expect(Number((await headRow())['size'])).toBe(Number(past['size']));
    await service.end('SIGTERM');
  }, 240_000);

  it('is noticed at the start, before the first call is answered', async () => {
    await service.start();
    expect(await ready()).toEqual([503, 'rollback-detected']);
    expect((await check()).status).toBe(503);
    await service.end('SIGTERM');
  }, 240_000);

  it('is completed from the archive: same log, same epoch, the withdrawal in force, the old token valid', async () => {
    expect([await lethe('restore', '--complete'), said.join('\n')]).toEqual([
      0,
      expect.stringMatching(/[1-9]\d* added from the archive/),
    ]);
    expect([await lethe('replay'), said.join('\n')]).toEqual([0, expect.stringContaining('has ended')]);
    await service.start();
    await untilReady(200);
    expect((await check()).body).toMatchObject({ decision: 'deny', reason: 'consent-withdrawn' });
    expect((await ledger()).epoch).toBe(1);
  }, 240_000);

  it('without an archive says how much is lost, and goes on only when told to, with a signed word about it', async () => {
    await settled();
    past = await headRow();
    await consent('given');
    const lost = await consent('withdrawn');
    const { logId, size } = await settled();
    await service.end('SIGTERM');
    await setBack(past);
    await rm(archive, { recursive: true });
    expect([await lethe('restore', '--complete'), said.join('\n')]).toEqual([
      1,
      expect.stringContaining(`${size - Number(past['size'])} signed entries are lost`),
    ]);
    // What a command wrote now would lie where the lost entries may yet be put back.
    for (const words of [['replay'], ['keys', 'rotate', 'certificate'], ['bootstrap', '--name', 'B', '--again']])
      expect([await lethe(...words), said.join('\n')]).toEqual([1, expect.stringContaining('less than was signed')]);
    expect(await headRow()).toMatchObject({ size: past['size'], root: past['root'] });
    expect(await lethe('keys', 'status')).toBe(0);
    await databaseClock(`pg_catalog.clock_timestamp() - interval '1 year'`);
    expect([await lethe('restore', '--complete', '--new-epoch'), said.join('\n')]).toEqual([
      0,
      expect.stringContaining('goes on under epoch 2'),
    ]);
    expect((await headRow())['recorded_at']).toEqual(past['recorded_at']);
    expect([await lethe('replay'), said.join('\n')]).toEqual([1, expect.stringContaining('same time server')]);
    await databaseClock();
    expect(await lethe('replay')).toBe(0);
    await service.start();
    await untilReady(200);
    const { rows } = await service.superusers.ledger.query<{ bytes: string }>(
      `SELECT bytes FROM event WHERE type = 'LogEpochBegun.v1'`,
    );
    const { data } = JSON.parse(rows[0]?.bytes ?? '{}') as { data: { lost: object; lastSigned: string } };
    expect(data).toMatchObject({ epoch: 2, lost: { from: Number(past['size']), to: size - 1 } });
    expect(parseCheckpoint(splitNote(data.lastSigned).text)).toMatchObject({ origin: `lethe/${logId}`, size });
    expect((await consent('given')).token).toMatch(new RegExp(`^${logId}\\.2\\.`));
    // A token of what is lost is not taken for one of what came instead.
    const stale = await service.post(
      '/v1/consents/check',
      { subject, purpose: 'newsletter', atLeast: lost.token },
      { as: 'system' },
    );
    expect([stale.status, stale.body.code]).toEqual([400, 'token-invalid']);
    await settledAgain();
  }, 240_000);

  /** The signer signs the new epoch further. */
  async function settledAgain(): Promise<void> {
    const lock = new FileCheckpointLock(join(service.dataDir, 'checkpoints'));
    for (const end = Date.now() + 90_000; Date.now() < end; await sleep(100)) {
      const { logId, size } = await ledger();
      const head = await lock.read(logId);
      if (head && parseCheckpoint(splitNote(head.note).text).size === size) return;
    }
    throw new Error('the new epoch is not signed');
  }
});
