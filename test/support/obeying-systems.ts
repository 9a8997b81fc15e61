/** Systems of every kind that must obey, as an admin declares them over HTTP. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startServer, type RunningServer } from '../../apps/server/src/server.js';
import { connectPlugin } from './connect-plugin.js';
import { aManifest, bundle } from './plugin-fixtures.js';
import type { TestAnswer, TestServer } from './test-server.js';

type Admin = Pick<TestServer, 'post' | 'put'>;
const admin = { as: 'admin' } as const;

/** Fails with the problem document of a refusal. */
export async function accepted(call: Promise<TestAnswer>): Promise<TestAnswer['body']> {
  const { status, body } = await call;
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}

/** A purpose `news`, its notice, and nothing else. */
export async function definePurpose(lethe: Admin): Promise<void> {
  await accepted(lethe.put('/v1/purposes/news', { name: 'n', legalBasis: 'consent', model: 'opt-in' }, admin));
  const notice = { id: 'n', version: '1', language: 'en', text: 'x', purposes: ['news'] };
  await accepted(lethe.post('/v1/notices', notice, { as: 'officer' }));
}

/** Body of a decision on `news`. */
export function decisionOn(name: string, decision: string, collectedAt: Date): object {
  return {
    subject: { identifiers: [{ type: 'email', value: `${name}@example.test` }] },
    decisions: [{ purpose: 'news', decision }],
    notice: { id: 'n', version: '1' },
    ...{ method: 'form', collectedAt: collectedAt.toISOString(), evidence: {} },
  };
}

/** Declares a system that must obey everything within fifteen minutes. */
export function declareSystem(lethe: Admin, id: string, more: object): Promise<TestAnswer['body']> {
  const body = { name: id, purposes: ['*'], acknowledgeWithin: 'PT15M', ...more };
  return accepted(lethe.put(`/v1/systems/${id}`, body, admin));
}

/** A system that reads by cursor; resolves with its key. */
export async function declareReader(lethe: Admin, id: string): Promise<string> {
  const wanted = { kind: 'system', label: id, scopes: ['events:read', 'consents:check'] };
  const issued = await accepted(lethe.post('/v1/admin/api-keys', wanted, admin));
  await declareSystem(lethe, id, { channel: 'cursor', keyId: issued.id });
  return issued.key;
}

/** A system behind a webhook endpoint; resolves with the endpoint. */
export async function declareReceiver(lethe: Admin, id: string, url: string): Promise<{ id: string; secret: string }> {
  await declareSystem(lethe, id, { channel: 'webhook' });
  return accepted(lethe.post('/v1/webhook-endpoints', { url, systemId: id }, admin));
}

/** A connection whose plugin can be told, behind `url`; resolves with its id. */
export function connectObeying(
  lethe: Pick<TestServer, 'post' | 'dataDir'>,
  name: string,
  url: string,
): Promise<string> {
  const folder = join(lethe.dataDir, 'plugins', 'incoming', 'obeying');
  mkdirSync(folder, { recursive: true });
  bundle('test/support/obeying-connector.ts', join(folder, 'index.mjs'));
  const manifest = {
    ...{ ...aManifest(), id: 'obeying', name: 'Obeying', version: '1.0.0' },
    config: { type: 'object', properties: { url: { type: 'string' } }, required: ['url'], additionalProperties: false },
  };
  writeFileSync(join(folder, 'lethe.plugin.json'), JSON.stringify(manifest));
  return connectPlugin(lethe, { plugin: 'obeying', name, config: { url } });
}

/** A system with a plugin that can be told. */
export async function declarePlugin(
  lethe: Admin & Pick<TestServer, 'dataDir'>,
  id: string,
  url: string,
): Promise<void> {
  const connectionId = await connectObeying(lethe, id, url);
  await declareSystem(lethe, id, { channel: 'plugin', connectionId });
}

/** One more process of the service over the same databases, keys and clock. */
export function startReplica(lethe: TestServer): Promise<RunningServer> {
  return startServer({ ...lethe.server.parts.config, PORT: 0 }, { clock: lethe.clock });
}
