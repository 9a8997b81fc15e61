/** Makes the data set of this build, for the next one to read: `LETHE_TEST_MAKE=1 npm test -- test/golden/make`. Skipped otherwise. */
import { execFile } from 'node:child_process';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approvedErasure, byEmail, closed, connectShop, keepInvoices, openProven, planOf } from '../support/connected-systems.js';
import { openShop, type Shop } from '../support/connected-shop.js';
import { ServiceProcess } from '../support/service-process.js';

const MAKE = process.env['LETHE_TEST_MAKE'];
const folder = MAKE === '1' || MAKE === undefined ? join(import.meta.dirname, 'data-set') : MAKE;
/** The command that backs up; another build's when this spec runs in an older one. */
const cli = process.env['LETHE_TEST_CLI'] ?? join(import.meta.dirname, '../../dist/apps/cli/src/main.js');
const collectedAt = (): string => new Date().toISOString();
const mail = (n: number): string => `p${5000 + n}@example.test`;

let service: ServiceProcess;
let shop: Shop;

async function ok(answer: Promise<{ status: number; body: unknown }>): Promise<never> {
  const { status, body } = await answer;
  if (status >= 400) throw new Error(JSON.stringify(body));
  return body as never;
}

async function consents(): Promise<void> {
  for (const [purpose, legalBasis] of [
    ['newsletter', 'consent'],
    ['profiling', 'legitimate-interest'],
  ])
    await ok(service.put(`/v1/purposes/${purpose}`, { name: purpose, legalBasis, model: 'opt-in' }, { as: 'admin' }));
  const notice = { id: 'signup', version: '1', language: 'en', text: 'We send news.', purposes: ['newsletter'] };
  await ok(service.post('/v1/notices', notice));
  for (let n = 0; n < 20; n += 1)
    for (const decision of n % 3 === 0 ? ['given', 'withdrawn'] : ['given'])
      await ok(
        service.post(
          '/v1/consents',
          {
            subject: { identifiers: [byEmail(mail(n)), { type: 'customer-id', value: `C-${n}` }] },
            decisions: [{ purpose: 'newsletter', decision }],
            notice: { id: 'signup', version: '1' },
            ...{ method: 'web-form', collectedAt: collectedAt(), evidence: { form: 'f1' } },
          },
          { as: 'system' },
        ),
      );
}

async function accesses(): Promise<void> {
  const entries = Array.from({ length: 12 }, (_, n) => ({
    ...{ id: `a${n}`, actor: { type: 'staff', id: `agent-${n % 3}` }, subject: { identifiers: [byEmail(mail(n))] } },
    ...{ action: 'read', resource: 'customer card', fields: ['email'], purpose: 'newsletter', at: collectedAt() },
  }));
  await ok(service.post('/v1/access-log/entries', { entries }, { as: 'system' }));
}

/** Fulfilled, refused, withdrawn, half way, under a hold, and one for access. */
async function requests(shopId: string): Promise<void> {
  for (const n of [1, 2]) await closed(service, await approvedErasure(service, [byEmail(mail(n))]));
  const scope = { connectionId: shopId, dataset: 'orders' };
  const hold = { ground: 'gdpr-17-3-e', reason: 'a claim', scope, owner: 'legal', reviewOn: '2027-03-01' };
  const { id: held } = await ok(service.post('/v1/holds', hold));
  await ok(service.post(`/v1/holds/${held as string}/release`, { reason: 'settled' }));
  await ok(service.post('/v1/holds', hold));
  await closed(service, await approvedErasure(service, [byEmail(mail(3))]));
  await planOf(service, await openProven(service, 'erasure', [byEmail(mail(4))]));
  await openProven(service, 'access', [byEmail(mail(5))]);
  const body = { type: 'objection', regimes: ['eu-gdpr'], subject: { identifiers: [byEmail(mail(6))] }, channel: 'mail' };
  await ok(service.post('/v1/requests', body));
}

/** Every projection has read everything, so that what is stored is what a rebuild must give. */
async function caughtUp(): Promise<void> {
  const { ledger } = service.superusers;
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(200)) {
    const { rows } = await ledger.query(
      'SELECT 1 FROM log_head h JOIN cursor c ON c.tenant = h.tenant WHERE c.position < h.size',
    );
    const jobs = await ledger.query(`SELECT 1 FROM job WHERE state = 'running' OR (state = 'ready' AND run_at <= now())`);
    if (rows.length + jobs.rows.length === 0) return;
  }
  throw new Error('the projections do not catch up');
}

async function keep(): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const { dataDir, commandEnvironment: env } = service;
  const words = ['backup', join(folder, 'ledger'), '--keys', join(folder, 'keys'), '--kept', join(folder, 'kept')];
  await promisify(execFile)(process.execPath, [cli, ...words], { env: { PATH: process.env['PATH'] ?? '', ...env } });
  await cp(`${dataDir}-keys`, join(folder, 'key-files'), { recursive: true });
  await cp(join(dataDir, 'checkpoints'), join(folder, 'checkpoints'), { recursive: true });
  const { rows } = await service.superusers.ledger.query('SELECT id, log_id FROM tenant ORDER BY id');
  const about = { what: 'Test data of one build, with test keys; read by test/faults/upgrade.e2e.spec.ts', tenants: rows };
  await writeFile(join(folder, 'about.json'), `${JSON.stringify({ ...about, keys: service.apiKeys }, null, 2)}\n`);
}

const make = MAKE === undefined ? describe.skip : describe;

make('the data set', () => {
  beforeAll(async () => {
    service = await ServiceProcess.prepare();
    await service.start();
    shop = await openShop();
  }, 60_000);
  afterAll(async () => {
    await service.close();
    await shop.drop();
  });

  it('is made by what a controller does', async () => {
    const shopId = await connectShop(service, shop);
    await keepInvoices(service, shopId);
    await consents();
    await accesses();
    await requests(shopId);
    await caughtUp();
    await service.end('SIGTERM');
    await keep();
    expect(await service.superusers.ledger.query('SELECT 1 FROM event')).toMatchObject({ rowCount: expect.any(Number) });
  }, 120_000);
});
