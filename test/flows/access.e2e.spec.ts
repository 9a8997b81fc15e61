/** One access request over a shop and a warehouse: a package with everything of the person, and nothing of her near twins. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { strFromU8, unzipSync } from 'fflate';
import { CAROL } from '../support/connected-shop.js';
import {
  approve,
  byEmail,
  closed,
  connectSystems,
  openProven,
  planOf,
  requestWhen,
  type Systems,
} from '../support/connected-systems.js';
import { startMailServer, type MailServer } from '../support/mail-server.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';
import { run } from '../verify/small-log.js';

type Answer = TestAnswer['body'];

/** Values of other people that stand next to Carol's in the connected systems. */
const STRANGERS = [
  'carol.jensen@example.test',
  'LOY-1002',
  'dear other Carol',
  'dan@example.test',
  'family@example.test',
  '/hats',
];

describe('an access request over two systems', () => {
  let lethe: TestServer;
  let systems: Systems;
  let mail: MailServer;
  let id: string;
  let files: Record<string, string>;

  beforeAll(async () => {
    mail = await startMailServer();
    lethe = await startTestServer({
      now: new Date('2026-11-02T09:00:00Z'),
      environment: { LETHE_SMTP_URL: mail.url },
    });
    systems = await connectSystems(lethe);
    await systems.shop.sql.query(
      `UPDATE reviews SET words = '=HYPERLINK("http://x.example.test")<script>alert(1)</script>' WHERE id = 300`,
    );
    await consentAndAccess(lethe);
    const manual = {
      name: 'Paper archive',
      legalEntity: 'Archive Ltd',
      country: 'US',
      role: 'processor',
      owner: 'Post room',
      why: 'folders on paper',
    };
    expect((await lethe.post('/v1/admin/systems', manual, { as: 'admin' })).status).toBe(201);
  }, 60_000);
  afterAll(async () => {
    await lethe.close();
    await systems.close();
    await mail.close();
  });

  it('is answered by mail to the proven mailbox, with a package to collect', async () => {
    id = await openProven(lethe, 'access', [byEmail(CAROL.email)]);
    const plan = await planOf(lethe, id);
    expect((await approve(lethe, id, plan.hash)).status).toBe(200);
    await completeTasks(lethe, id);
    const request = await closed(lethe, id);
    expect(request.resolution).toBe('fulfilled');
    expect(request.package.records).toBeGreaterThan(15);
    const last = mail.inbox.at(-1);
    expect(last?.to).toEqual([CAROL.email]);
    expect(last?.text).toContain('Your package is ready and can be collected until 2026-11-09');
    expect(last?.text).toContain('Paper archive');
  }, 40_000);

  it('gives a package in which every hash of the manifest holds, and every download is on record', async () => {
    const answer = await download(lethe, id);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('application/zip');
    const zipped = unzipSync(new Uint8Array(await answer.arrayBuffer()));
    files = Object.fromEntries(Object.entries(zipped).map(([name, bytes]) => [name, strFromU8(bytes)]));
    const manifest = JSON.parse(files['manifest.json'] ?? '{}') as { files: { path: string; sha256: string }[] };
    expect(manifest.files.map((file) => file.path).sort()).toEqual(
      Object.keys(files)
        .filter((name) => name !== 'manifest.json')
        .sort(),
    );
    for (const { path, sha256 } of manifest.files)
      expect(
        createHash('sha256')
          .update(zipped[path] ?? '')
          .digest('hex'),
      ).toBe(sha256);
    await download(lethe, id);
    const { rows } = await lethe.superuser.query(
      `SELECT count(*)::int AS n FROM event WHERE type = 'PackageDownloaded.v1'`,
    );
    expect(rows[0].n).toBe(2);
    const log = await lethe.post('/v1/access-log/search', { source: 'lethe', purpose: 'request.package' });
    expect(log.body.items).toHaveLength(2);
  });

  it('holds every record of the person in every system', () => {
    const records = Object.entries(files)
      .filter(([name]) => /^data\/.*\.json$/.test(name))
      .map(
        ([name, text]) =>
          [
            name
              .split('/')
              .at(-1)
              ?.replace(/^\d+-|\.json$/g, ''),
            JSON.parse(text) as Answer[],
          ] as const,
      );
    const ids = Object.fromEntries(
      records.map(([name, rows]) => [
        name,
        rows.map((row) => Number(row.id ?? row.person_key)).sort((one, other) => one - other),
      ]),
    );
    expect(ids).toEqual({
      ...{ customers: [1], orders: [100, 101, 102], 'order-lines': [1000, 1001, 1002, 1007], invoices: [200, 201] },
      ...{ reviews: [300], messages: [400, 401], newsletter: [500] },
      ...{ people: [11], sales: [21, 22], clicks: [31, 33] },
    });
  });

  it('holds no record of a near twin, in any form', () => {
    for (const [name, text] of Object.entries(files))
      for (const stranger of STRANGERS) expect(`${name}: ${text.includes(stranger)}`).toBe(`${name}: false`);
  });

  it('says what article 15 wants to be said, and what was not searched', () => {
    const information = JSON.parse(files['information.json'] ?? '[]') as { key: string; answer: string[] }[];
    const keys = [
      'purposes',
      'categories',
      'recipients',
      'retention',
      'rights',
      'complaint',
      'source',
      'automated-decisions',
      'transfers',
    ];
    expect(information.map((item) => item.key)).toEqual(keys);
    const said = Object.fromEntries(information.map((item) => [item.key, item.answer.join('\n')]));
    expect(said['purposes']).toContain('Newsletter (legal basis: consent)');
    expect(said['retention']).toContain('8 years by law');
    expect(said['complaint']).toContain('Berliner Beauftragte');
    expect(said['recipients']).toContain('Archive Ltd (Paper archive): processor on our behalf, US; not searched');
    expect(said['transfers']).toContain('Archive Ltd: US');
    expect(files['index.html']).toContain('Paper archive (folders on paper)');
  });

  it('holds the person’s own consents, requests and accesses, without the name of a member of staff', () => {
    const own = (name: string): Answer[] => JSON.parse(files[`lethe/${name}.json`] ?? 'null');
    expect(own('consents')).toMatchObject([{ purpose: 'newsletter', decision: 'given' }]);
    expect(own('requests')).toMatchObject([{ id, type: 'access' }]);
    expect(own('identifiers')).toMatchObject([{ type: 'email', value: CAROL.email }]);
    const reported = own('accesses').filter((row) => row.through === 'a connected system');
    expect(reported).toMatchObject([{ purpose: 'newsletter', actor: 'employee', action: 'view' }]);
    expect(JSON.stringify(files)).not.toContain('clerk-7');
  });

  it('runs nothing in a browser and nothing in a spreadsheet', () => {
    const text = Object.entries(files);
    const planted = text.filter(([name, content]) => name.includes('reviews') && content.includes('alert(1)'));
    expect(planted).toHaveLength(3);
    for (const [name, content] of text.filter(([name]) => name.endsWith('.html')))
      expect(`${name} ${/<script/i.test(content)}`).toBe(`${name} false`);
    for (const [name, content] of text.filter(([name]) => name.endsWith('.csv')))
      expect(`${name} ${/(^|,|\n)"?[=+@-]/.test(content.slice(1))}`).toBe(`${name} false`);
  });

  it('lies on disk sealed, and opens for nobody without the right', async () => {
    const folder = join(lethe.dataDir, 'packages');
    const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
    expect(names.length).toBeGreaterThan(10);
    for (const one of names) {
      const bytes = await readFile(join(one.parentPath, one.name), 'latin1');
      expect(`${one.name} ${/carol|jensen|LOY-1001/i.test(bytes)}`).toBe(`${one.name} false`);
    }
    for (const as of ['auditor', 'admin', 'system'] as const)
      expect((await lethe.get(`/v1/requests/${id}/package`, { as })).status).toBe(403);
  });

  it('has a certificate that the auditor’s script accepts', async () => {
    const { body } = await lethe.get(`/v1/requests/${id}/certificate`, { as: 'auditor' });
    const folder = await mkdtemp(join(tmpdir(), 'lethe-access-'));
    const file = join(folder, 'certificate.json');
    await writeFile(file, JSON.stringify(body));
    const [{ body: ledger }, { body: key }] = [await lethe.get('/v1/ledger'), await lethe.get('/v1/certificate-key')];
    const said = await run('verify-certificate.mjs', [file, '--vkey', ledger.vkey, '--certificate-key', key.publicKey]);
    await rm(folder, { recursive: true });
    expect([said.code, said.error]).toEqual([0, '']);
    expect(said.out).toContain('provided');
    expect(said.out).toContain('sealed in the ledger at position');
    expect(said.out).toContain('not searched: Paper archive');
    expect(JSON.stringify(body)).not.toMatch(/carol[@. ]|jensen|LOY-1001/i);
    const page = await lethe.get(`/v1/requests/${id}/certificate?format=html`);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.body).toContain('Lethe itself');
  });

  it('keeps mailboxes and mails out of the ledger', async () => {
    const { rows } = await lethe.superuser.query(
      `SELECT type FROM event WHERE bytes ~* 'carol[@. ]|jensen|example[.]test'`,
    );
    expect(rows).toEqual([]);
    const sent = await lethe.superuser.query(`SELECT count(*)::int AS n FROM event WHERE type = 'MailSent.v1'`);
    expect(sent.rows[0].n).toBe(mail.inbox.length);
  });

  it('is deleted after seven days; then the answer is 410, and the manifest is kept', async () => {
    lethe.clock.set(new Date('2026-11-09T08:00:00Z'));
    expect((await download(lethe, id)).status).toBe(200);
    const folder = join(lethe.dataDir, 'packages', lethe.tenant.tenant.id, id);
    const name = (await readdir(folder)).find((one) => one.endsWith('.zip.sealed'))!;
    const bytes = await readFile(join(folder, name));
    lethe.clock.set(new Date('2026-11-10T09:00:00Z'));
    const gone = await lethe.get(`/v1/requests/${id}/package`);
    expect([gone.status, gone.body.code]).toEqual([410, 'package-expired']);
    // The package goes first, then the parts it was made of.
    await until('nothing but the sealed manifest', async () => {
      const names = (await readdir(folder)).map((name) => name.replace(/^[0-9a-f-]{36}/, '*')).sort();
      return names.join() === '*.manifest.sealed,key.json';
    });
    // Said once, after it is true.
    await until('the fact', async () => {
      const fact = `SELECT count(*)::int AS n FROM event WHERE type = 'PackageExpired.v1'`;
      return (await lethe.superuser.query(fact)).rows[0].n === 1;
    });
    // The day decides, not whether the file could be deleted.
    await writeFile(join(folder, name), bytes);
    expect((await download(lethe, id)).status).toBe(410);
  });

  it('is made of what the systems are asked for again when the data folder was lost before', async () => {
    const again = await openProven(lethe, 'access', [byEmail(CAROL.email)]);
    const plan = await planOf(lethe, again);
    expect((await approve(lethe, again, plan.hash)).status).toBe(200);
    const folder = join(lethe.dataDir, 'packages', lethe.tenant.tenant.id, again);
    const isRead = ({ targets }: Answer): boolean =>
      targets.filter(({ status }: Answer) => status === 'done').length === 2;
    await requestWhen(lethe, again, isRead);
    await rm(folder, { recursive: true });
    await completeTasks(lethe, again);
    const request = await requestWhen(lethe, again, ({ status }) => {
      lethe.clock.advance(10_000);
      return status === 'closed';
    });
    expect(request).toMatchObject({ resolution: 'fulfilled' });
    expect(request.package.records).toBeGreaterThan(15);
  }, 60_000);
});

function download(lethe: TestServer, id: string): Promise<Response> {
  return fetch(`${lethe.server.baseUrl}/v1/requests/${id}/package`, {
    headers: { authorization: `Bearer ${lethe.tenant.keys.officer}` },
  });
}

async function completeTasks(lethe: TestServer, id: string): Promise<void> {
  const isOpen = (task: Answer): boolean => task.status === 'open';
  const { tasks } = await requestWhen(lethe, id, (one) => (one.tasks ?? []).some(isOpen));
  for (const task of tasks.filter(isOpen)) {
    const body = { outcome: 'nothing-found', proof: 'Looked through.' };
    // Who approved does not attest what he ordered.
    const done = await lethe.post(`/v1/requests/${id}/tasks/${task.id}/complete`, body, { as: 'officer2' });
    expect([done.status, done.body.code]).toEqual([200, undefined]);
  }
}

async function consentAndAccess(lethe: TestServer): Promise<void> {
  const subject = { identifiers: [byEmail(CAROL.email)] };
  await lethe.put('/v1/purposes/newsletter', { name: 'Newsletter', legalBasis: 'consent', model: 'opt-in' });
  await lethe.post('/v1/notices', { id: 'news', version: '1', language: 'en', text: 'Yes?', purposes: ['newsletter'] });
  const consent = await lethe.post('/v1/consents', {
    subject,
    decisions: [{ purpose: 'newsletter', decision: 'given' }],
    notice: { id: 'news', version: '1' },
    method: 'web-form',
    collectedAt: '2026-11-01T08:00:00Z',
    evidence: { form: 'footer' },
  });
  expect([consent.status, consent.body.errors]).toEqual([201, undefined]);
  const entry = {
    ...{ id: 'a1', actor: { type: 'employee', id: 'clerk-7' }, subject, action: 'view', resource: 'customer/1' },
    ...{ fields: ['email'], purpose: 'newsletter', at: '2026-11-01T10:00:00Z' },
  };
  expect((await lethe.post('/v1/access-log/entries', { entries: [entry] }, { as: 'system' })).body.accepted).toBe(1);
}
