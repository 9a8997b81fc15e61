/** An import pipeline asks before it writes: the re-sent old row stays out, the new order and what a duty or hold keeps pass. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Suppressions } from '#subjects';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';

const DAY = 86_400_000;

describe('the check of an import', () => {
  let lethe: TestServer;
  let crm: string;
  let shop: string;
  const ada = { type: 'email', value: 'ada@example.test' };
  const erasedAt = new Date('2026-03-01T09:00:00Z');
  const expiresAt = new Date('2026-09-01T00:00:00Z');
  const old = { identifier: ada, dataFrom: '2026-02-28T23:59:59Z' };
  const fresh = { identifier: ada, dataFrom: '2026-03-01T10:00:00+01:00' };

  const check = (...items: object[]): Promise<TestAnswer> =>
    lethe.post('/v1/suppressions/check', { items }, { as: 'system' });
  const verdicts = async (...items: object[]): Promise<boolean[]> =>
    (await check(...items)).body.items.map((one: { suppressed: boolean }) => one.suppressed);

  beforeAll(async () => {
    lethe = await startTestServer({ now: new Date('2026-03-02T00:00:00Z') });
    const place = { legalEntity: 'Shop', country: 'DE', owner: 'o', why: 'w' };
    crm = (await lethe.post('/v1/admin/systems', { name: 'crm', ...place }, { as: 'admin' })).body.id;
    shop = (await lethe.post('/v1/admin/systems', { name: 'shop', ...place }, { as: 'admin' })).body.id;
    const suppressions = lethe.server.app.get(Suppressions);
    const tenant = lethe.tenant.tenant.id;
    const rest = { before: erasedAt, expiresAt };
    await suppressions.suppress(tenant, [ada], { scope: { kind: 'connection', id: crm }, ...rest });
    await suppressions.suppress(tenant, [ada], { scope: { kind: 'purpose', id: 'newsletter' }, ...rest });
  });
  afterAll(() => lethe.close());

  it('names the scope and the end for the re-sent row, and lets a new order pass to the second', async () => {
    const answer = await check({ ...old, ref: 'a', connection: crm }, { ...fresh, ref: 'b', connection: crm });
    expect([answer.status, answer.body.items]).toEqual([
      200,
      [
        { ref: 'a', suppressed: true, scope: { kind: 'connection', id: crm }, until: expiresAt.toISOString() },
        { ref: 'b', suppressed: false, scope: null, until: null },
      ],
    ]);
  });

  it('goes by purpose or connection, and by nothing else', async () => {
    expect(
      await verdicts(
        { ...old, purpose: 'newsletter' },
        { ...old, purpose: 'invoices' },
        { ...old, connection: shop },
        { ...old, connection: shop, purpose: 'newsletter' },
        { ...old, connection: crm, identifier: { type: 'email', value: 'other@example.test' } },
      ),
    ).toEqual([true, false, false, true, false]);
  });

  it('knows a connection by its name, and no row from anywhere is let in by a connection that is none', async () => {
    expect(await verdicts({ ...old, connection: 'crm' }, { ...old, connection: 'shop' })).toEqual([true, false]);
    const answer = await check({ ...old, connection: crm }, { ...old, connection: 'nope' });
    expect([answer.status, answer.body.code]).toEqual([422, 'connection-unknown']);
    expect(answer.body.errors).toEqual([{ pointer: '/items/1/connection', code: 'connection-unknown' }]);
    expect((await check({ ...old, connection: randomUUID() })).status).toBe(422);
  });

  it('keeps out by any suppression what may be for anything and come from anywhere', async () => {
    expect(await verdicts(old, fresh, { ...old, identifier: { type: 'email', value: 'other@example.test' } })).toEqual([
      true,
      false,
      false,
    ]);
    expect(await verdicts({ ...old, connection: 'lethe' })).toEqual([false]);
  });

  it('is not active for a dataset under a duty or a hold, and is again for the others', async () => {
    const about = { ...old, connection: crm };
    expect(await verdicts({ ...about, dataset: 'invoices' }, { ...about, dataset: 'claims' })).toEqual([true, true]);
    const definition = {
      connectionId: crm,
      dataset: 'invoices',
      duty: { dutyId: 'de-invoice', recordClass: 'invoice', country: 'DE' },
      action: 'erase',
    };
    await lethe.superuser.query(`INSERT INTO retention_policy VALUES ($1, 'p', $2, 'invoices', $3, 1)`, [
      ...[lethe.tenant.tenant.id, crm, JSON.stringify(definition)],
    ]);
    const hold = { ground: 'gdpr-17-3-e', reason: 'claim', owner: 'legal', reviewOn: '2031-01-01' };
    const scope = { connectionId: crm, dataset: 'claims' };
    expect((await lethe.post('/v1/holds', { ...hold, scope })).status).toBe(201);
    expect(
      await verdicts(
        { ...about, dataset: 'invoices' },
        { ...about, dataset: 'claims' },
        { ...about, dataset: 'contacts' },
        about,
      ),
    ).toEqual([false, false, true, true]);
  });

  it('takes 500 at once and no more, in the order asked', async () => {
    const items = Array.from({ length: 500 }, (_, at) => ({
      ...(at % 2 ? old : fresh),
      ref: `${at}`,
      connection: crm,
    }));
    const answer = await check(...items);
    expect(answer.body.items.map((one: { ref: string }) => one.ref)).toEqual(items.map(({ ref }) => ref));
    expect(answer.body.items.filter((one: { suppressed: boolean }) => one.suppressed)).toHaveLength(250);
    expect((await check(...items, items[0]!)).status).toBe(400);
  });

  it('ends with the suppression', async () => {
    lethe.clock.set(new Date(expiresAt.getTime() - DAY));
    expect(await verdicts({ ...old, connection: crm })).toEqual([true]);
    lethe.clock.set(expiresAt);
    expect(await verdicts({ ...old, connection: crm })).toEqual([false]);
  });
});
