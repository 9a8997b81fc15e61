/** Acceptance 7: what was erased does not come back with a backup, and who registered anew stays. Real service, shop and commands. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '#kernel';
import { ArchiveFiles, archivedSize } from '#ledger';
import { runVerb } from '../../apps/cli/src/run-verb.js';
import { approvedErasure, byEmail, closed, connectShop } from '../support/connected-systems.js';
import { openShop, type Shop } from '../support/connected-shop.js';
import { passLeases } from '../support/pass-leases.js';
import { allowing, startReceiver, type Receiver } from '../support/receiver.js';
import { connectRemote, type RemoteSystem } from '../support/remote-system.js';
import { ServiceProcess } from '../support/service-process.js';
import { until } from '../support/until.js';

const ERASED = [5000, 5001, 5002];
const BACK = 5000;
const CLUB_MEMBER = 5001;
/** Her erasure is approved, and the club has not ended it yet when everything is lost. */
const WAITING = 'ines@example.test';
const mail = (person: number): string => `p${person}@example.test`;

let service: ServiceProcess;
let shop: Shop;
let shopId: string;
let club: RemoteSystem;
let receiver: Receiver;
let archive: ArchiveFiles;
let said: string[] = [];

/** Runs a command line beside the service; answers its exit status. */
async function lethe(...words: string[]): Promise<number> {
  said = [];
  const note = (line: string): number => said.push(line);
  return runVerb(words, { say: note, complain: note, environment: service.commandEnvironment });
}

async function consent(person: number): Promise<{ subjectId: string; token: string; position: number }> {
  const { status, body } = await service.post(
    '/v1/consents',
    {
      subject: { identifiers: [byEmail(mail(person))] },
      decisions: [{ purpose: 'newsletter', decision: 'given' }],
      notice: { id: 'signup', version: '1' },
      method: 'web-form',
      collectedAt: new Date().toISOString(),
      evidence: {},
    },
    { as: 'system' },
  );
  expect([status, body.code]).toEqual([201, undefined]);
  return body;
}

const check = (subject: object): ReturnType<ServiceProcess['post']> =>
  service.post('/v1/consents/check', { ...subject, purpose: 'newsletter' }, { as: 'system' });
const checkOf = (person: number): ReturnType<typeof check> =>
  check({ subject: { identifiers: [byEmail(mail(person))] } });

/** Rows of these people in the shop, by `table/id`. */
async function rowsOf(people: readonly number[]): Promise<string[]> {
  const rows = await shop.snapshot();
  return people.flatMap((person) => [`customers/${person}`, `orders/${person}`]).filter((name) => rows.has(name));
}

/** The systems' own restore: their old rows are back; what was added since is there as well. */
async function restoreSystems(): Promise<void> {
  await joinClub(CLUB_MEMBER);
  for (const person of ERASED) {
    await shop.sql.query(`INSERT INTO customers VALUES ($1, $2, $3, $4, NULL, $5, NULL)`, [
      person,
      `Person ${person}`,
      mail(person),
      `9${person}`,
      `LOY-${person}`,
    ]);
    await shop.sql.query(`INSERT INTO orders VALUES ($1, $1, $2, '2024-01-01', 1)`, [person, mail(person)]);
  }
}

async function joinClub(person: number): Promise<void> {
  await club.query('INSERT INTO members VALUES ($1, $2, $3)', [person, mail(person), `Person ${person}`]);
}

async function isInClub(email: string): Promise<boolean> {
  return (await club.query('SELECT FROM members WHERE email = $1', [email])).rows.length > 0;
}

/** What went out since `quiet`: messages to the receiver, calls to the club. */
const sent = (): number[] => [receiver.received.length, club.arrived.length];
const quiet = (): void => void (receiver.received.length = club.arrived.length = 0);

/** From now on the club ends the work it took on (or does not), and the receiver takes what it is sent (or does not). */
function recover(well: boolean): void {
  receiver.answer(() => (well ? 200 : 503));
  club.manner.first = async ({ identifiers }) => {
    const waits = !well && identifiers.some(({ value }) => value === WAITING);
    Object.assign(club.manner, { takesOn: waits, busy: waits });
  };
}

/** While nothing runs: the pauses before the next attempts of what waits are over. */
async function passPauses(): Promise<void> {
  const { ledger } = service.superusers;
  await ledger.query(
    `UPDATE job SET run_at = now() WHERE state = 'ready' AND queue IN ('request-step', 'webhook-lane')`,
  );
  await ledger.query(`UPDATE webhook_delivery SET next_at = now() WHERE state = 'pending'`);
  await ledger.query(`UPDATE webhook_endpoint SET resume_at = date_trunc('milliseconds', now())`);
  await ledger.query('UPDATE job_due SET next_run_at = now()');
  await passLeases(service);
}

/** Every job as it stands. */
async function jobs(): Promise<unknown[]> {
  return (await service.superusers.ledger.query('SELECT * FROM job ORDER BY id')).rows;
}

/** The log that is archived so far. */
async function archived(): Promise<{ logId: string; size: number }> {
  const { body } = await service.get('/v1/ledger', { as: 'auditor' });
  for (const end = Date.now() + 90_000; Date.now() < end; await sleep(50))
    if ((await archivedSize(archive, body.logId, 0)) >= body.size) return body;
  throw new Error('the archive does not catch up');
}

/** The copy of the suppressions has all of them. */
async function keptInArchive(): Promise<void> {
  const { rows } = await service.superusers.keystore.query<{ n: number }>('SELECT count(*)::int AS n FROM suppression');
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(250)) {
    const [tenant = ''] = await archive.list('kept');
    const text = (await archive.read(`kept/${tenant}/suppression.json`))?.toString('utf8') ?? '';
    if (text.split('"mac"').length - 1 === rows[0]?.n) return;
  }
  throw new Error('the suppressions are not copied');
}

const isReady = async (): Promise<boolean> => (await service.get('/readyz')).status === 200;

async function untilReady(): Promise<void> {
  for (const end = Date.now() + 90_000; Date.now() < end; await sleep(100)) if (await isReady()) return;
  throw new Error('the service is not ready');
}

beforeAll(async () => {
  receiver = await startReceiver();
  service = await ServiceProcess.prepare((dataDir) => ({
    LETHE_ARCHIVE_URL: pathToFileURL(join(dataDir, 'archive')).href,
    ...allowing([receiver]),
  }));
  archive = new ArchiveFiles(join(service.dataDir, 'archive'));
  await service.start();
  shop = await openShop();
  shopId = await connectShop(service, shop);
  club = await connectRemote({ post: service.post.bind(service), server: service, clock: systemClock });
  const purpose = { name: 'Newsletter', legalBasis: 'consent', model: 'opt-in' };
  await service.put('/v1/purposes/newsletter', purpose, { as: 'admin' });
  await service.post('/v1/notices', {
    ...{ id: 'signup', version: '1', language: 'en', text: 'We send news.', purposes: ['newsletter'] },
  });
}, 240_000);

afterAll(async () => {
  await service.close();
  await shop.drop();
  await club.close();
  await receiver.close();
});

describe('a restored installation', () => {
  const before = new Map<number, string>();
  let token = '';
  let waiting = '';
  let due: unknown[] = [];
  let head = { logId: '', size: 0 };

  it('is backed up while it runs, each part in a folder of its own, the keys never with the data', async () => {
    for (const person of [...ERASED, 5003]) before.set(person, (await consent(person)).subjectId);
    await joinClub(CLUB_MEMBER);
    recover(false);
    const endpoint = { url: receiver.url, description: 'does not answer yet' };
    expect((await service.post('/v1/webhook-endpoints', endpoint, { as: 'admin' })).status).toBe(201);
    waiting = await approvedErasure(service, [byEmail(WAITING)]);
    await until('work that waits', () => club.arrived.some(({ handle }) => handle !== undefined));
    await consent(5003);
    await until('a delivery that failed', () => receiver.received.length > 0);
    expect([await lethe('backup', join(service.dataDir, 'backup')), said.at(-1)]).toEqual([0, expect.any(String)]);
    expect(
      (await readdir(join(service.dataDir, 'backup'))).filter((name) => /subject_key|epoch|suppression/.test(name)),
    ).toEqual([]);
    const keyParts = await readdir(join(service.dataDir, 'backup-keys'));
    expect(keyParts).toContain('subject_key.jsonl.gz');
    expect(keyParts.filter((name) => /board|notice|replica/.test(name))).toEqual([]);
    expect((await readdir(join(service.dataDir, 'backup-kept'))).sort()).toEqual([
      'certificate.jsonl.gz',
      'manifest.json',
      'suppression.jsonl.gz',
    ]);
  });

  it('erases three people, one of whom comes back of her own accord', async () => {
    for (const person of ERASED) {
      const id = await approvedErasure(service, [byEmail(mail(person))]);
      expect((await closed(service, id)).resolution).toMatch(/^fulfilled/);
    }
    expect(await rowsOf(ERASED)).toEqual([]);
    await shop.sql.query(`INSERT INTO customers VALUES (9000, 'Person 5000', $1, '1', NULL, 'LOY-9000', NULL)`, [
      mail(BACK),
    ]);
    await shop.sql.query(`INSERT INTO orders VALUES (9000, 9000, $1, '2026-11-01', 5)`, [mail(BACK)]);
    const anew = await consent(BACK);
    expect(anew.subjectId).not.toBe(before.get(BACK));
    token = anew.token;
    before.set(9000, anew.subjectId);
    head = await archived();
    await keptInArchive();
    await service.end('SIGKILL');
  }, 240_000);

  it('refuses to restore over a tenant, a damaged backup, or keys of others', async () => {
    const backup = join(service.dataDir, 'backup');
    expect([await lethe('restore', backup), said.join()]).toEqual([2, expect.stringContaining('--replace')]);
    const part = [await lethe('restore', `${backup}-keys`, '--replace'), said.join()];
    expect(part).toEqual([2, expect.stringContaining('holds the part keys')]);
  });

  it('comes back whole: the backup, and from the archive all that was acknowledged since', async () => {
    await restoreSystems();
    expect([await lethe('restore', join(service.dataDir, 'backup'), '--replace'), said.join('|')]).toEqual([
      0,
      expect.any(String),
    ]);
    expect(said.join('\n')).toMatch(
      new RegExp(`log ${head.logId}: \\d+ entries restored, \\d+ added from the archive`),
    );
    expect(said.join('\n')).toMatch(/restored in \d+\.\d\d minutes/);
    process.stderr.write(`      ${said.filter((line) => /log|minutes/.test(line)).join('; ')}\n`);
    recover(true);
    quiet();
    await passPauses();
    due = await jobs();
    await service.start();
    const { body } = await service.get('/v1/ledger', { as: 'auditor' });
    expect([body.logId, body.size >= head.size]).toEqual([head.logId, true]);
  }, 240_000);

  it('serves nobody and sends nothing in quarantine; the sealed log stays readable', async () => {
    expect(await service.get('/readyz')).toMatchObject({ status: 503, body: { code: 'quarantined' } });
    expect((await service.get('/healthz')).status).toBe(200);
    const refused = [
      await checkOf(BACK),
      await check({ subjectId: before.get(5003) }),
      await service.get(`/v1/subjects/${before.get(5003)}/consents`),
      await service.post('/v1/requests/search', {}),
      await service.post('/v1/suppressions/check', { items: [] }, { as: 'system' }),
    ];
    expect(refused.map(({ status, body }) => [status, body.code])).toEqual(refused.map(() => [503, 'quarantined']));
    expect(refused.map(({ headers }) => headers.get('retry-after'))).toEqual(refused.map(() => '10'));
    expect((await service.get(`/v1/logs/${head.logId}/checkpoint`, { as: 'auditor' })).status).toBe(200);
    // What the quarantine is for: the rows are back where they were.
    expect(await rowsOf(ERASED)).toHaveLength(6);
    const { rows } = await service.superusers.ledger.query<{ n: string }>('SELECT count(*) AS n FROM event');
    await sleep(1500);
    expect(sent()).toEqual([0, 0]);
    expect(await isInClub(WAITING)).toBe(true);
    const later = await service.superusers.ledger.query<{ n: string }>('SELECT count(*) AS n FROM event');
    expect(later.rows).toEqual(rows);
    // Not as much as begun.
    expect(await jobs()).toEqual(due);
  });

  it('stays in quarantine as long as a connection cannot be asked', async () => {
    const { rows } = await shop.sql.query<{ name: string }>('SELECT current_database() AS name');
    await shop.sql.query(`ALTER ROLE ${rows[0]!.name} NOLOGIN`);
    expect([await lethe('replay'), said.join('\n')]).toEqual([1, expect.stringContaining('the quarantine stays')]);
    await shop.sql.query(`ALTER ROLE ${rows[0]!.name} LOGIN`);
    expect(await isReady()).toBe(false);
  }, 240_000);

  it('erases again what was erased, everywhere, and nothing else', async () => {
    const untouched = await shop.snapshot();
    expect([await lethe('replay'), said]).toEqual([0, expect.arrayContaining(['The quarantine has ended.'])]);
    const ofShop = said.filter((line) => line.includes(`in connection ${shopId}`));
    expect(ofShop.map((line) => /(\d+) newer/.exec(line)?.[1])).toEqual(['2', '0', '0']);
    process.stderr.write(`      ${said.filter((line) => /request|minutes/.test(line)).join('\n      ')}\n`);
    expect(await rowsOf(ERASED)).toEqual([]);
    const after = await shop.snapshot();
    const gone = [...untouched.keys()].filter((name) => !after.has(name));
    expect(gone.sort()).toEqual(ERASED.flatMap((person) => [`customers/${person}`, `orders/${person}`]).sort());
    expect([await isInClub(mail(CLUB_MEMBER)), await isInClub(WAITING)]).toEqual([false, true]);
    for (const name of ['customers/9000', 'orders/9000']) expect(after.get(name)).toBe(untouched.get(name));
    await untilReady();
  }, 240_000);

  it('serves again: the new account as it was, the erased unknown, old tokens valid, old rows refused', async () => {
    const anew = await check({ subjectId: before.get(9000), atLeast: token });
    expect(anew).toMatchObject({ status: 200, body: { decision: 'permit', reason: 'consent-given' } });
    expect((await checkOf(BACK)).body.decision).toBe('permit');
    for (const person of [5001, 5002]) expect((await checkOf(person)).body).toMatchObject({ decision: 'deny' });
    expect((await checkOf(5003)).body.decision).toBe('permit');
    const items = [...ERASED, 5003].flatMap((person) =>
      ['2024-01-01T00:00:00Z', new Date(Date.now() + 1000).toISOString()].map((dataFrom) => ({
        ...{ identifier: byEmail(mail(person)), connection: shopId, dataFrom },
      })),
    );
    const { body } = await service.post('/v1/suppressions/check', { items }, { as: 'system' });
    expect(body.items.map(({ suppressed }: { suppressed: boolean }) => suppressed)).toEqual([
      ...[true, false, true, false, true, false],
      ...[false, false],
    ]);
  });

  it('goes on with what waited: the approved erasure and the pending delivery', async () => {
    expect((await closed(service, waiting)).resolution).toMatch(/^fulfilled/);
    expect(await isInClub(WAITING)).toBe(false);
    await until('the delivery that failed is made', () => receiver.received.some(({ answered }) => answered === 200));
  }, 240_000);

  it('can still erase: a request opened after the restore goes its whole way', async () => {
    const id = await approvedErasure(service, [byEmail(mail(5003))]);
    expect((await closed(service, id)).resolution).toMatch(/^fulfilled/);
    expect(await rowsOf([5003])).toEqual([]);
  }, 240_000);

  it('that lost its key store too destroys the keys again, and still knows who must not come back', async () => {
    await archived();
    await service.end('SIGTERM');
    await restoreSystems();
    const { keystore } = service.superusers;
    const { rows } = await keystore.query<{ names: string }>(
      `SELECT string_agg(quote_ident(relname), ', ') AS names FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,
    );
    await keystore.query(`DROP TABLE ${rows[0]?.names} CASCADE`);
    const backup = join(service.dataDir, 'backup');
    expect([await lethe('restore', backup, '--replace'), said.join()]).toEqual([2, expect.stringContaining('--keys')]);
    const words = ['restore', backup, '--replace', '--keys', `${backup}-keys`, '--kept', `${backup}-kept`];
    expect([await lethe(...words), said.join('|')]).toEqual([0, expect.stringContaining('and are back')]);
    const alive = `SELECT count(*)::int AS n FROM subject_key WHERE class = 'identity' AND wrapped IS NOT NULL AND subject = ANY($1)`;
    const subjects = ERASED.map((person) => before.get(person));
    expect((await keystore.query(alive, [subjects])).rows).toEqual([{ n: ERASED.length }]);
    // Cases opened after that backup have no key any more: their records in the shop are named instead of silently left.
    expect([await lethe('replay'), said.join('|')]).toEqual([1, expect.stringContaining('case-unreadable')]);
    expect((await keystore.query(alive, [subjects])).rows).toEqual([{ n: 0 }]);
    // The seal over them is that of the backup's moment; a row that somebody else wrote is not sealed along.
    expect([await lethe('verify-store'), said.join('|')]).toEqual([1, expect.stringContaining('suppressions are not')]);
    const changed = `UPDATE suppression SET expires_at = expires_at + $1::interval`;
    await keystore.query(changed, ['1 day']);
    const without = [shopId, club.connectionId].flatMap((id) => ['--without', id]);
    const refused = [await lethe('replay', ...without), said.join('|')];
    expect(refused).toEqual([1, expect.stringContaining('not as they were sealed; the quarantine stays')]);
    await keystore.query(changed, ['-1 day']);
    expect(await lethe('replay', ...without)).toBe(0);
    expect([await lethe('verify-store'), said.join('|')]).toEqual([0, expect.stringContaining('0 things changed')]);
    await service.start();
    await untilReady();
    const items = ERASED.map((person) => ({
      ...{ identifier: byEmail(mail(person)), connection: shopId, dataFrom: '2024-01-01T00:00:00Z' },
    }));
    const { body } = await service.post('/v1/suppressions/check', { items }, { as: 'system' });
    expect(body.items.map(({ suppressed }: { suppressed: boolean }) => suppressed)).toEqual([true, true, true]);
    for (const table of ['orders', 'customers'])
      await shop.sql.query(`DELETE FROM ${table} WHERE id = ANY($1)`, [ERASED]);
    await club.query('DELETE FROM members WHERE email = $1', [mail(CLUB_MEMBER)]);
  }, 300_000);

  it('without the quarantine would have served what was erased (control)', async () => {
    await archived();
    await service.end('SIGTERM');
    await restoreSystems();
    const backup = join(service.dataDir, 'backup');
    expect([await lethe('restore', backup, '--replace'), said.join('|')]).toEqual([0, expect.any(String)]);
    await service.superusers.ledger.query(`DELETE FROM installation_mark`);
    await service.start();
    expect(await isReady()).toBe(true);
    expect(await rowsOf(ERASED)).toHaveLength(6);
    await rm(backup, { recursive: true });
  }, 240_000);
});
