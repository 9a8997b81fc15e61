/** One erasure over a shop and a warehouse, from receipt to certificate: the person is gone, everybody else is as before. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  approve,
  byEmail,
  closed,
  connectSystems,
  openProven,
  outcomesOf,
  planOf,
  requestWhen,
  type Systems,
} from '../support/connected-systems.js';
import { CAROL, CAROL_ERASED, changesOf, differences } from '../support/connected-shop.js';
import { CAROL_LEFT_WAREHOUSE } from '../support/connected-warehouse.js';
import { issueFirstKeys } from '../../apps/server/src/bootstrap-tenant.js';
import { run, type Said } from '../verify/small-log.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { atRest } from '../support/until.js';

// Nested answers of the API; the expectations check them.
type Answer = TestAnswer['body'];

describe('an erasure over two systems', () => {
  let lethe: TestServer;
  let systems: Systems;
  let id: string;
  let plan: Answer;
  let request: Answer;

  beforeAll(async () => {
    lethe = await startTestServer({ now: new Date('2026-11-02T09:00:00Z') });
    systems = await connectSystems(lethe);
  }, 60_000);
  afterAll(async () => {
    await lethe.close();
    await systems.close();
  });

  it('is planned to a fixed point over references and systems, with what stays and why', async () => {
    id = await openProven(lethe, 'erasure', [byEmail(CAROL.email)]);
    plan = await planOf(lethe, id);
    expect(plan.blockers).toEqual([]);
    const chain = plan.identifiers.map((one: Answer) => [one.type, one.strength, one.from?.connectionId ?? null]);
    expect(chain.sort()).toEqual([
      ['email', 'derived', systems.warehouseId],
      ['email', 'verified', null],
      ['loyalty-no', 'derived', systems.shopId],
      ['shop-customer-id', 'derived', systems.shopId],
    ]);
    const decided = plan.systems.flatMap((system: Answer) =>
      system.datasets.flatMap((dataset: Answer) =>
        dataset.decisions.map((one: Answer) => `${system.name} ${dataset.name} ${one.action} ${one.count}`),
      ),
    );
    expect(decided.sort()).toEqual([
      ...['Lethe itself access-log retain 1', 'Lethe itself cases retain 1', 'Lethe itself consent-records retain 1'],
      ...['Lethe itself identity erase 1', 'shop customers erase 1', 'shop invoices erase 1', 'shop invoices strip 1'],
      ...['shop messages detach 2', 'shop newsletter erase 1', 'shop order-lines erase 4', 'shop orders erase 3'],
      ...['shop reviews anonymise 1', 'warehouse clicks erase 2', 'warehouse people erase 1'],
      'warehouse sales anonymise 2',
    ]);
    const invoices = plan.systems
      .flatMap((system: Answer) => system.datasets)
      .find((dataset: Answer) => dataset.name === 'invoices');
    expect(invoices.decisions).toContainEqual(
      expect.objectContaining({
        ...{ action: 'strip', kind: 'exception', ruleId: 'de-invoice', fields: ['email', 'birthday'] },
        citation: expect.stringContaining('§ 14b'),
        untilTo: '2032-12-31',
      }),
    );
  });

  it('is carried out after two different humans approved the hash, and closes', async () => {
    const before = await systems.shop.snapshot();
    const warehouseBefore = await systems.warehouse.snapshot();
    await systems.shop.takeChanges();
    expect((await approve(lethe, id, plan.hash)).body).toMatchObject({ status: 'deciding', approvals: 1, needed: 2 });
    const again = await approve(lethe, id, plan.hash);
    expect([again.status, again.body.code]).toEqual([409, 'approver-repeated']);
    expect((await approve(lethe, id, plan.hash, 'officer2')).body).toMatchObject({ status: 'approved', approvals: 2 });
    request = await closed(lethe, id);
    expect(request.resolution).toBe('fulfilled-with-retention');
    expect(differences(before, await systems.shop.snapshot())).toEqual(CAROL_ERASED);
    expect(await systems.shop.takeChanges()).toEqual(changesOf(CAROL_ERASED));
    expect(differences(warehouseBefore, await systems.warehouse.snapshot())).toEqual(CAROL_LEFT_WAREHOUSE);
  });

  it('has an outcome and a clean second read for every declared dataset, with citation and date where something stays', () => {
    const declared = plan.systems.map((system: Answer) => [
      system.connectionId,
      system.datasets.map((dataset: Answer) => dataset.name).sort(),
    ]);
    expect(declared).toHaveLength(3);
    for (const [connectionId, datasets] of declared) {
      const target = request.targets.find((one: Answer) => one.connectionId === connectionId);
      expect(target.status).toBe('done');
      expect(new Set(target.outcomes.map((one: Answer) => one.dataset))).toEqual(new Set(datasets));
      expect(target.verification.status).toBe('clean');
      expect(target.verification.datasets.map((one: Answer) => one.dataset).sort()).toEqual(datasets);
      expect(target.horizon.length).toBeGreaterThan(0);
    }
    expect(outcomesOf(request, systems.shopId)).toEqual([
      ...['customers erased 1', 'invoices erased 1', 'invoices retained 1', 'messages detached 2'],
      ...['newsletter erased 1', 'order-lines erased 4', 'orders erased 3', 'reviews anonymised 1'],
    ]);
    expect(outcomesOf(request, systems.warehouseId)).toEqual([
      ...['clicks erased 2', 'people erased 1', 'sales anonymised 2'],
    ]);
    const shop = request.targets.find((one: Answer) => one.connectionId === systems.shopId);
    expect(shop.outcomes.find((one: Answer) => one.kind === 'retained')).toMatchObject({
      ...{ dataset: 'invoices', count: 1, until: '2032-12-31', reason: 'legal-duty' },
      citation: expect.stringContaining('§ 14b'),
    });
  });

  it('leaves the invoice whole but for what the duty does not need', async () => {
    const { rows } = await systems.shop.sql.query(
      'SELECT customer_id, name, total::text, email, birthday, issued_on::text FROM invoices WHERE id = 200',
    );
    expect(rows).toEqual([
      { customer_id: 1, name: CAROL.name, total: '10.50', email: null, birthday: null, issued_on: '2024-03-12' },
    ]);
  });

  it('tells the person what was done, what stays and why, until when, and how to complain', async () => {
    const { body } = await lethe.get(`/v1/requests/${id}/answers`);
    const last = body.items.at(-1);
    expect(last).toMatchObject({ kind: 'partial-refusal', channel: 'letter' });
    const letter = (await lethe.get(`/v1/requests/${id}/answers/${last.n}?format=text`)).body;
    for (const words of ['Invoices', '§ 14b', '2032', 'Berlin']) expect(letter).toContain(words);
  });

  it('has a certificate that verifies by the auditor\u2019s script, and no longer when a byte of it is changed', async () => {
    const { status, body } = await lethe.get(`/v1/requests/${id}/certificate`, { as: 'auditor' });
    expect([status, body.body?.status]).toEqual([200, 'fulfilled-with-retention']);
    const said = await verified(lethe.dataDir, body);
    expect([said.code, said.error]).toEqual([0, '']);
    const bent = structuredClone(body);
    bent.body.status = 'fulfilled';
    expect((await verified(lethe.dataDir, bent)).code).toBe(1);
    const turned = structuredClone(body);
    turned.proofs[0].bytes = Buffer.from(
      Buffer.from(turned.proofs[0].bytes, 'base64').toString().replace('request', 'requesT'),
    ).toString('base64');
    expect((await verified(lethe.dataDir, turned)).code).toBe(1);
  });

  it('finds nothing when somebody asks again', async () => {
    const again = await openProven(lethe, 'erasure', [byEmail(CAROL.email), byEmail(CAROL.oldEmail)]);
    const { systems: planned } = await planOf(lethe, again);
    const found = planned
      .filter((system: Answer) => system.connectionId !== 'lethe')
      .flatMap((system: Answer) => system.datasets.flatMap((dataset: Answer) => dataset.decisions));
    expect(found).toEqual([]);
  });

  it('lets the invoice go by itself on the day after its duty, and says so on a new certificate', async () => {
    const before = await systems.shop.snapshot();
    await systems.shop.takeChanges();
    await passTo('2030-01-02T08:00:00Z');
    await passTo('2032-12-31T22:30:00Z');
    expect(differences(before, await systems.shop.snapshot())).toEqual([]);
    const versions = (await lethe.get(`/v1/requests/${id}`)).body.certificates.length;
    await passTo('2033-01-01T00:30:00Z');
    const after = await requestWhen(lethe, id, (one) => careOf(one, 'invoices') === 'erased');
    expect(differences(before, await systems.shop.snapshot())).toEqual(['-invoices/200']);
    expect(await systems.shop.takeChanges()).toEqual({ 'invoices/200 DELETE': 1 });
    // The case file itself outlives its last duty by three years, so that the date could be kept.
    expect([careOf(after, 'consent-records'), careOf(after, 'cases')]).toEqual(['erased', 'waiting']);
    await requestWhen(lethe, id, (one) => one.certificates.length > versions);
    const { body } = await lethe.get(`/v1/requests/${id}/certificate`, { as: 'auditor' });
    expect((await verified(lethe.dataDir, body)).code).toBe(0);
    expect(body.body).toMatchObject({ version: versions + 1 });
  });

  /** Passing years also ends keys: the office has new ones. */
  async function passTo(instant: string): Promise<void> {
    lethe.clock.set(new Date(instant));
    lethe.tenant.keys = await issueFirstKeys(lethe.server.app, lethe.tenant.tenant);
    await atRest(lethe);
  }
});

const careOf = (request: Answer, dataset: string): string =>
  request.aftercare.find((one: Answer) => one.dataset === dataset)?.status;

async function verified(folder: string, certificate: unknown): Promise<Said> {
  const file = join(folder, 'certificate.json');
  await writeFile(file, JSON.stringify(certificate));
  return run('verify-certificate.mjs', [file]);
}
