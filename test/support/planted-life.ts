/** Five versions of the planted plugin, each with one thing an upgrade must survive; and the admin's calls of a plugin's life. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PluginManifest } from '@lethe/plugin-sdk';
import { installPlugin } from './connect-plugin.js';
import { aManifest, bundle } from './plugin-fixtures.js';
import type { TestAnswer, TestServer } from './test-server.js';

type Api = Pick<TestServer, 'get' | 'post' | 'dataDir'>;

/**
 * `1.0.0` is configured by an address. `2.0.0` wants it below `endpoint`, and migrates. `3.0.0` has a migration that throws,
 * `4.0.0` a check that fails, `5.0.0` ends its process at the first check.
 */
export type LifeVersion = '1.0.0' | '2.0.0' | '3.0.0' | '4.0.0' | '5.0.0';

const url = { type: 'string' };
const flat = { type: 'object', properties: { url }, required: ['url'], additionalProperties: false };
const nested = {
  type: 'object',
  properties: { endpoint: { type: 'object', properties: { url }, required: ['url'], additionalProperties: false } },
  required: ['endpoint'],
  additionalProperties: false,
};

const MIGRATE = `{ config: { 1: ({ url }) => ({ endpoint: { url } }) } }`;
const versions: Record<LifeVersion, { manifest: Partial<PluginManifest>; address: string; more: string }> = {
  '1.0.0': { manifest: { config: flat }, address: 'x.config.url', more: '' },
  '2.0.0': {
    manifest: { config: nested, configFormat: 2 },
    address: 'x.config.endpoint.url',
    more: `migrate: ${MIGRATE},`,
  },
  '3.0.0': {
    manifest: { config: nested, configFormat: 3 },
    address: 'x.config.endpoint.url',
    more: `migrate: { config: { 1: ({ url }) => ({ endpoint: { url } }), 2: () => { throw new Error('cannot read it') } } },`,
  },
  '4.0.0': {
    manifest: { config: nested, configFormat: 2 },
    address: 'x.config.endpoint.url',
    more: `migrate: ${MIGRATE}, async check() { return { ok: false, error: { class: 'auth', code: 'scope-missing' }, message: 'A right is missing.' } },`,
  },
  '5.0.0': {
    manifest: { config: flat },
    address: 'x.config.url',
    more: `async check() { process.exit(9) },`,
  },
};

/** The connector that answers, bundled once a process. */
let bundled: string | undefined;
function connector(): string {
  if (bundled === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-planted-'));
    bundled = readFileSync(bundle('test/support/planted-connector.ts', join(folder, 'base.mjs')), 'utf8');
    rmSync(folder, { recursive: true });
  }
  return bundled;
}

/** Takes from the runner what makes it end with its host: the plugin goes on, whoever has gone. */
export const DEAF = 'process.exit = () => undefined;';

/** Puts a version where the API finds it. Returns the name of its folder. `head` stands before everything else. */
export function plantLife(lethe: Api, version: LifeVersion, id = 'life', head = ''): string {
  const { manifest, address, more } = versions[version];
  const name = `${id}-${version.replaceAll('.', '-')}`;
  const folder = join(lethe.dataDir, 'plugins', 'incoming', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'base.mjs'), connector());
  writeFileSync(
    join(folder, 'index.mjs'),
    `import base from './base.mjs';
${head}
const at = (x) => ({ ...x, config: { url: ${address} + '/as/${version}' } });
const asked = (name) => [name, (x, ...rest) => base[name](at(x), ...rest)];
const fail = (code) => ({ ok: false, error: { class: 'auth', code }, message: 'Refused.' });
export default {
  ...Object.fromEntries(['datasets', 'locate', 'read', 'apply', 'verify', 'horizon'].map(asked)),
  async check(x) {
    const { token } = await (await fetch(${address} + '/token')).json();
    return token === x.secrets.token ? base.check(at(x)) : fail('token-refused');
  },
  ${more}
};
`,
  );
  const all = {
    ...{ ...aManifest(), id, name: 'Planted', version, secrets: ['token'] },
    limits: { memoryMb: 128, callTimeoutS: 600, maxConcurrency: 2 },
    ...manifest,
  };
  writeFileSync(join(folder, 'lethe.plugin.json'), JSON.stringify(all));
  return name;
}

/** Plants and installs a version. */
export function installLife(lethe: Api, version: LifeVersion, id = 'life'): Promise<{ id: string; version: string }> {
  return installPlugin(lethe, plantLife(lethe, version, id));
}

const admin = { as: 'admin' } as const;

/** The admin's calls on one connection. */
export function lifeOf(
  lethe: Api,
  connectionId: string,
): Record<
  | 'upgrade'
  | 'rollback'
  | 'rotate-secret'
  | 'quarantine'
  | 'quarantine/clear'
  | 'remove'
  | 'check'
  | 'enable'
  | 'disable',
  (body?: object) => Promise<TestAnswer>
> & { shown: () => Promise<TestAnswer['body']> } {
  const call =
    (what: string) =>
    (body: object = {}): Promise<TestAnswer> =>
      lethe.post(`/v1/admin/connections/${connectionId}/${what}`, body, admin);
  return {
    upgrade: call('upgrade'),
    rollback: call('rollback'),
    'rotate-secret': call('rotate-secret'),
    quarantine: call('quarantine'),
    'quarantine/clear': call('quarantine/clear'),
    remove: call('remove'),
    check: call('check'),
    enable: call('enable'),
    disable: call('disable'),
    shown: async () => {
      const { body } = await lethe.get('/v1/admin/connections', admin);
      return body.items.find((one: { id: string }) => one.id === connectionId);
    },
  };
}
