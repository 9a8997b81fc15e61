/** A system whose every act is counted, and two plugins for it: one acts under the key of the effect, one under a new key each time. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { connectPlugin } from './connect-plugin.js';
import { aManifest } from './plugin-fixtures.js';
import type { TestServer } from './test-server.js';

/** `steady` hands the key of the effect on; `fresh` makes a new one for every attempt, which is the planted fault. */
export type Keys = 'steady' | 'fresh';

export interface CountingSystem {
  /** How often each plugin has asked for an act. */
  asked: Record<Keys, number>;
  /** While true an act is done and its answer is not sent: whoever asked does not know that it happened. */
  held: boolean;
  close(): Promise<void>;
}

const CONNECTOR = `
import { randomUUID } from 'node:crypto';
const ask = async (x, path, body) => {
  const init = { method: 'POST', body: JSON.stringify(body), signal: x.signal };
  return (await fetch(x.config.url + path, init)).json();
};
const field = { name: 'email', personal: true, identifier: { type: 'email', strength: 'identifying' } };
const dataset = 'people';
export default {
  async check() { return { ok: true, account: 'counting' } },
  async *datasets() {
    const about = { name: dataset, title: 'People', categories: ['contact'], shared: false, action: 'erase' };
    yield { ...about, fields: [field], refs: [], stripFields: [], schemaHash: 'a'.repeat(64) };
  },
  async *locate(x, items) {
    for (const { itemKey, ids } of items)
      if (ids.some(({ value }) => value === x.config.email)) yield { itemKey, dataset, ref: KEYS, count: 1 };
  },
  async *read() {},
  async *apply(x, _op, _items, at) {
    for (const { itemKey, ref } of at) {
      await ask(x, '/' + KEYS, { key: KEYS === 'steady' ? itemKey : randomUUID() });
      yield { itemKey, dataset, ref, count: 1, kind: 'erased' };
    }
  },
  async *verify(_x, items) { for (const { itemKey } of items) yield { itemKey, dataset, kind: 'clean' } },
  async *horizon() {},
};`;

function plant(lethe: Pick<TestServer, 'dataDir'>, keys: Keys): string {
  const name = `counting-${keys}`;
  const folder = join(lethe.dataDir, 'plugins', 'incoming', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'index.mjs'), `const KEYS = '${keys}';\n${CONNECTOR}\n`);
  const properties = { url: { type: 'string' }, email: { type: 'string' } };
  const config = { type: 'object', properties, required: ['url', 'email'], additionalProperties: false };
  writeFileSync(join(folder, 'lethe.plugin.json'), JSON.stringify({ ...aManifest(), id: name, config }));
  return name;
}

/** Connects both plugins to one person. `act` is done once for every key the system has not seen before. */
export async function openCounting(
  lethe: Pick<TestServer, 'post' | 'dataDir'>,
  email: string,
  act: (keys: Keys) => Promise<unknown>,
): Promise<CountingSystem> {
  const known = new Set<string>();
  const system: CountingSystem = {
    asked: { steady: 0, fresh: 0 },
    held: false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const serve = async (keys: Keys, key: string, response: ServerResponse): Promise<void> => {
    if (!known.has(key)) await act(keys);
    known.add(key);
    system.asked[keys] += 1;
    if (!system.held) response.end('{}');
  };
  const server = createServer((request, response) => {
    const keys: Keys = request.url === '/fresh' ? 'fresh' : 'steady';
    void json(request).then((body) => serve(keys, (body as { key: string }).key, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const keys of ['steady', 'fresh'] as const)
    await connectPlugin(lethe, { plugin: plant(lethe, keys), name: keys, config: { url, email } });
  return system;
}
