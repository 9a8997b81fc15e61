/** A connector comes and goes without a restart: installed by hash, configured, checked, enabled, disabled. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { connectPlugin } from '../support/connect-plugin.js';
import { clusterUrl } from '../support/test-database.js';
import { startTestServer, type TestServer } from '../support/test-server.js';

const tableMap = {
  datasets: [
    {
      name: 'customers',
      table: 'customers',
      title: 'Customers',
      key: 'id',
      person: true,
      action: 'erase',
      match: [{ column: 'email', identifier: 'email', strength: 'identifying' }],
    },
  ],
};

describe('a connector', () => {
  let lethe: TestServer;
  let shop: Client;
  const url = new URL(clusterUrl());
  const database = `shop_${Date.now()}`;
  const config = (): Record<string, unknown> => ({
    host: '127.0.0.1',
    port: Number(url.port),
    database,
    user: url.username,
    tableMap,
  });

  beforeAll(async () => {
    lethe = await startTestServer();
    const admin = new Client({ connectionString: clusterUrl() });
    await admin.connect();
    await admin.query(`CREATE DATABASE ${database}`);
    await admin.end();
    url.pathname = `/${database}`;
    shop = new Client({ connectionString: url.toString() });
    await shop.connect();
    await shop.query('CREATE TABLE customers (id int PRIMARY KEY, email text)');
  });
  afterAll(async () => {
    await shop.end();
    await lethe.close();
  });

  it('is installed by approved hash, checked and enabled, and says how isolated it runs', async () => {
    const id = await connectPlugin(lethe, {
      plugin: 'postgres',
      name: 'shop',
      config: config(),
      secrets: { password: url.password },
    });
    const { body } = await lethe.get('/v1/admin/connections', { as: 'officer' });
    expect(body.items[0]).toMatchObject({
      id,
      status: 'enabled',
      datasets: ['customers'],
      isolation: expect.stringContaining('process'),
    });
    expect(JSON.stringify(body)).not.toContain(url.password);
    const { rows } = await lethe.superuser.query('SELECT secrets, config::text FROM connection');
    expect(JSON.stringify(rows)).not.toContain(url.password);
  });

  it('is disabled and enabled again without a restart', async () => {
    const { body } = await lethe.get('/v1/admin/connections', { as: 'admin' });
    const id = body.items[0].id;
    expect((await lethe.post(`/v1/admin/connections/${id}/disable`, {}, { as: 'admin' })).body.status).toBe('disabled');
    expect((await lethe.post(`/v1/admin/connections/${id}/enable`, {}, { as: 'admin' })).body.status).toBe('enabled');
  });

  it('stops when its configuration or version changes, until it was checked again', async () => {
    const { body } = await lethe.get('/v1/admin/connections', { as: 'admin' });
    const { id } = body.items[0];
    const change = (what: string, change: unknown) =>
      lethe.post(`/v1/admin/connections/${id}/${what}`, change, { as: 'admin' });
    const wrong = await change('configure', { config: { ...config(), port: 'none' } });
    expect([wrong.status, wrong.body.code]).toEqual([422, 'config-invalid']);
    expect((await change('upgrade', { version: '9.9.9' })).body.code).toBe('plugin-not-installed');
    const [customers] = tableMap.datasets;
    const two = { datasets: [customers, { ...customers, name: 'people', table: 'customers' }] };
    expect((await change('configure', { config: { ...config(), tableMap: two } })).body.status).toBe('stopped');
    expect((await change('enable', {})).body.code).toBe('connection-not-checked');
    expect((await change('check', {})).body).toMatchObject({ ok: true });
    expect((await change('enable', {})).body.status).toBe('enabled');
    const after = (await lethe.get('/v1/admin/connections', { as: 'admin' })).body.items[0];
    expect(after).toMatchObject({ configVersion: 2, status: 'enabled', datasets: ['customers', 'people'] });
  });

  it('with a wrong hash, wrong configuration, missing secret or wrong password is refused and says why', async () => {
    const wrongHash = await lethe.post(
      '/v1/admin/plugins',
      { name: 'postgres', contentHash: '0'.repeat(64) },
      { as: 'admin' },
    );
    expect([wrongHash.status, wrongHash.body.code]).toEqual([422, 'plugin-hash-mismatch']);
    const plugin = { id: 'postgres', version: '0.1.0' };
    const base = { name: 'other', legalEntity: 'x', country: 'DE', plugin };
    const wrongConfig = await lethe.post(
      '/v1/admin/connections',
      { ...base, config: { host: 1 }, secrets: { password: 'x' } },
      { as: 'admin' },
    );
    expect([wrongConfig.status, wrongConfig.body.code]).toEqual([422, 'config-invalid']);
    const noSecret = await lethe.post('/v1/admin/connections', { ...base, config: config() }, { as: 'admin' });
    expect([noSecret.status, noSecret.body.code]).toEqual([422, 'secret-missing']);
    const created = await lethe.post(
      '/v1/admin/connections',
      { ...base, config: config(), secrets: { password: 'wrong' } },
      { as: 'admin' },
    );
    const checked = await lethe.post(`/v1/admin/connections/${created.body.id}/check`, {}, { as: 'admin' });
    expect(checked.body).toMatchObject({ ok: false, error: { class: 'auth' } });
    const enabled = await lethe.post(`/v1/admin/connections/${created.body.id}/enable`, {}, { as: 'admin' });
    expect([enabled.status, enabled.body.code]).toEqual([409, 'connection-not-checked']);
  });
});
