/** Acceptance 2 with a real CRM: one erasure over PostgreSQL, DuckDB and Tryton, for a person known differently in each. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import tryton from '@lethe/plugin-tryton';
import { connectPlugin } from '../support/connect-plugin.js';
import {
  approveByTwo,
  approvedErasure,
  byEmail,
  closed,
  connectSystems,
  hasStatus,
  openProven,
  outcomesOf,
  planOf,
  requestWhen,
  type Systems,
} from '../support/connected-systems.js';
import { CAROL, CAROL_ERASED, changesOf, differences } from '../support/connected-shop.js';
import { CAROL_LEFT_WAREHOUSE } from '../support/connected-warehouse.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { run } from '../verify/small-log.js';
import {
  all,
  changed,
  openTryton,
  person,
  snapshot,
  takeWrites,
  whereStands,
  type TrytonSystem,
} from './support/tryton-system.js';

type Answer = TestAnswer['body'];

/** Known to Tryton alone; the shop's newsletter has it too. */
const CRM_EMAIL = 'carol@example.test';

let crm: TrytonSystem;
let lethe: TestServer;
let systems: Systems;
let crmId: string;

beforeAll(async () => {
  crm = await openTryton();
  lethe = await startTestServer();
  systems = await connectSystems(lethe);
  const { url, database, user, password } = crm.running;
  crmId = await connectPlugin(lethe, {
    ...{ plugin: 'tryton', name: 'crm', config: { url, database, user }, secrets: { password } },
  });
  const code = crm.running.parties['carol']?.code ?? '';
  await systems.shop.sql.query('UPDATE customers SET erp_code = $1 WHERE id = 1', [code]);
  await systems.shop.sql.query(`INSERT INTO newsletter VALUES (502, '${CRM_EMAIL}', '2021-01-01')`);
  await keepInCrm('account.invoice', { action: 'erase' }, 'invoice');
}, 600_000);

async function keepInCrm(dataset: string, how: object, recordClass: string): Promise<void> {
  const dutyId = `de-${recordClass}`;
  const duty = { dutyId, recordClass, country: 'DE' };
  const policy = { connectionId: crmId, dataset, duty, ...how, overrides: { enable: [dutyId] } };
  const { body } = await lethe.put(`/v1/retention/policies/crm-${recordClass}`, policy);
  expect([body.errors, body.code]).toEqual([undefined, undefined]);
}

afterAll(async () => {
  await lethe.close();
  await systems.close();
  await crm.close();
});

describe('a CRM that must not erase yet', () => {
  it('says so in the decision while a sale is open, and nothing is written', async () => {
    const id = await openProven(lethe, 'erasure', [byEmail('erik@example.test')]);
    const plan = await planOf(lethe, id);
    const decisions = plan.systems
      .find((one: Answer) => one.connectionId === crmId)
      .datasets.flatMap((dataset: Answer) => dataset.decisions);
    expect(decisions.length).toBeGreaterThan(2);
    for (const decision of decisions)
      expect(decision).toMatchObject({ action: 'retain', kind: 'not-met', ruleId: 'not-met:contract-running' });
    await takeWrites(crm.db);
    await approveByTwo(lethe, id, plan.hash);
    const done = await closed(lethe, id, 60_000);
    expect(done.resolution).toBe('fulfilled-with-retention');
    const target = done.targets.find((one: Answer) => one.connectionId === crmId);
    expect(target.outcomes).toContainEqual(
      expect.objectContaining({ dataset: 'party.party', kind: 'retained', reason: 'contract-running' }),
    );
    expect(await takeWrites(crm.db)).toEqual({});
  }, 120_000);

  it('is refused by the CRM itself when only that knows why, and the request stays open', async () => {
    const id = await approvedErasure(lethe, [byEmail('ida@example.test')]);
    const stuck = await requestWhen(lethe, id, hasStatus('incomplete'), 60_000);
    const target = stuck.targets.find((one: Answer) => one.connectionId === crmId);
    expect(target).toMatchObject({ status: 'failed', failure: { code: 'refused-by-system' } });
    expect(outcomesOf(stuck, crmId)).toContain('party.party refused-by-system 1');
    const { rows } = await crm.db.query('SELECT name, active FROM party_party WHERE id = $1', [
      crm.running.parties['ida']?.id,
    ]);
    expect(rows).toEqual([{ name: 'Ida Bruun', active: true }]);
  }, 120_000);
});

describe('one erasure over a shop, a warehouse and a CRM', () => {
  let id: string;
  let plan: Answer;
  let request: Answer;

  it('finds the person in each under another name', async () => {
    // Tryton lets nobody change a sale's description once it is done: it belongs to the commercial letters that are kept.
    await keepInCrm('sale.sale', { action: 'strip', stripFields: ['comment', 'reference'] }, 'commercial-letter');
    id = await openProven(lethe, 'erasure', [byEmail(CAROL.email)]);
    plan = await planOf(lethe, id);
    expect(plan.blockers).toEqual([]);
    const chain = plan.identifiers.map((one: Answer) => `${one.type} ${one.from?.connectionId ?? 'proven'}`);
    expect(chain).toEqual(
      expect.arrayContaining([
        ...['email proven', `tryton-party-code ${systems.shopId}`, `loyalty-no ${systems.shopId}`],
        ...[`email ${crmId}`, `email ${systems.warehouseId}`],
      ]),
    );
  });

  it('leaves every row of everybody else as it was, in all three, and changes each of hers once', async () => {
    const item = person(CRM_EMAIL);
    const located = await all(tryton.locate(crm.context(), [item]));
    const own = new Set(located.map(({ dataset, ref }) => `${dataset.replace('.', '_')} ${ref}`));
    const before = [await systems.shop.snapshot(), await systems.warehouse.snapshot()] as const;
    const crmBefore = await snapshot(crm.db);
    await systems.shop.takeChanges();
    await takeWrites(crm.db);
    await approveByTwo(lethe, id, plan.hash);
    request = await closed(lethe, id, 60_000);
    expect(request.resolution).toBe('fulfilled-with-retention');
    const erased = [...CAROL_ERASED, '-newsletter/502'].sort();
    expect(differences(before[0], await systems.shop.snapshot())).toEqual(erased);
    expect(await systems.shop.takeChanges()).toEqual(changesOf(erased));
    expect(differences(before[1], await systems.warehouse.snapshot())).toEqual(CAROL_LEFT_WAREHOUSE);
    const crmChanged = changed(crmBefore, await snapshot(crm.db));
    // Whoever has read a note is kept beside it.
    expect(crmChanged.filter((row) => !own.has(row) && !row.startsWith('ir_note_read'))).toEqual([]);
    expect(crmChanged).toContain(`party_party ${crm.running.parties['carol']?.id}`);
    // The books are closed: not a row of the accounts was touched.
    expect(crmChanged.filter((row) => row.startsWith('account_'))).toEqual([]);
  }, 120_000);

  it('has an outcome and a clean second read for every declared dataset of the CRM too', async () => {
    const target = request.targets.find((one: Answer) => one.connectionId === crmId);
    const declared = await all(tryton.datasets(crm.context()));
    expect(target.status).toBe('done');
    expect(new Set(target.outcomes.map((one: Answer) => one.dataset))).toEqual(
      new Set(declared.map(({ name }) => name)),
    );
    expect(target.verification.datasets).toHaveLength(declared.length);
    expect(target.verification.status).toBe('clean');
    expect(target.outcomes).toContainEqual(
      expect.objectContaining({ dataset: 'account.invoice', kind: 'retained', citation: expect.stringContaining('§') }),
    );
    expect(outcomesOf(request, crmId)).toContain('party.party anonymised 1');
    expect(await whereStands(crm.db, 'Left the key')).toEqual([]);
    // Nothing but the books and the sale that belongs to them still names the address.
    for (const place of await whereStands(crm.db, CRM_EMAIL)) expect(place).toMatch(/^(account_\w+|sale_sale)\./);
  });

  it('has a certificate that the auditor’s script accepts and a bent one that it refuses', async () => {
    const { body } = await lethe.get(`/v1/requests/${id}/certificate`, { as: 'auditor' });
    const file = join(lethe.dataDir, 'certificate.json');
    await writeFile(file, JSON.stringify(body));
    expect(await run('verify-certificate.mjs', [file])).toMatchObject({ code: 0, error: '' });
    body.body.status = 'fulfilled';
    await writeFile(file, JSON.stringify(body));
    expect((await run('verify-certificate.mjs', [file])).code).toBe(1);
  });
});
