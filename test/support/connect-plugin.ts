/** Installs a shipped plugin and brings up a connection of it, as an admin does over HTTP. */
import { expect } from '@jest/globals';
import type { TestServer } from './test-server.js';

export interface WantedConnection {
  plugin: string;
  name: string;
  config: Record<string, unknown>;
  secrets?: Record<string, string>;
}

/** Inspects a plugin folder and installs exactly what was shown. */
export async function installPlugin(
  lethe: Pick<TestServer, 'post'>,
  name: string,
): Promise<{ id: string; version: string }> {
  const inspected = await lethe.post('/v1/admin/plugins/inspect', { name }, { as: 'admin' });
  expect([inspected.status, inspected.body.problems]).toEqual([200, []]);
  const { contentHash } = inspected.body;
  const installed = await lethe.post('/v1/admin/plugins', { name, contentHash }, { as: 'admin' });
  expect(installed.status).toBe(201);
  return { id: installed.body.id, version: installed.body.version };
}

/** Inspect, install by hash, create, check, enable. Resolves with the connection's id. */
export async function connectPlugin(lethe: Pick<TestServer, 'post'>, wanted: WantedConnection): Promise<string> {
  const plugin = await installPlugin(lethe, wanted.plugin);
  const { name, config, secrets = {} } = wanted;
  const body = { name, legalEntity: 'Test shop GmbH', country: 'DE', plugin, config, secrets };
  const created = await lethe.post('/v1/admin/connections', body, { as: 'admin' });
  expect([created.status, created.body.errors]).toEqual([201, undefined]);
  const checked = await lethe.post(`/v1/admin/connections/${created.body.id}/check`, {}, { as: 'admin' });
  expect(checked.body.error).toBeNull();
  const enabled = await lethe.post(`/v1/admin/connections/${created.body.id}/enable`, {}, { as: 'admin' });
  expect(enabled.body.status).toBe('enabled');
  return created.body.id;
}
