/** Installs the planted plugin over the API, in any version, and runs the mailing system it serves. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connectPlugin } from './connect-plugin.js';
import { CAROL } from './connected-shop.js';
import { aManifest, bundle } from './plugin-fixtures.js';
import type { TestServer } from './test-server.js';

/**
 * How the connector behaves: `none` is honest; `gone` gives no answer to anything, `down` only to writes, `slow` answers
 * a write after its deadline; `blind` erases nothing, and sees nothing when it looks again.
 */
export type Fault = 'none' | 'gone' | 'down' | 'slow' | 'error' | 'crash' | 'half' | 'keep' | 'blind' | 'foreign';

export interface Mailing {
  url: string;
  connectionId: string;
  fault: Fault;
  /** A write takes this long before it begins. */
  slowMs: number;
  /** A write waits until it is false. */
  held: boolean;
  /** The only one it accepts, from versions that send one. */
  token: string;
  /** `<version> <path>` of every call, from versions that say theirs. */
  calls: string[];
  /** What is left in the system, by id. */
  rows: Map<string, string>;
  close(): Promise<void>;
}

/** Puts a version of the plugin where the API finds it, under `incoming` of the server's plugin folder. Returns its name. */
export function plantPlugin(lethe: TestServer, version: string): string {
  const name = `planted-${version.replaceAll('.', '-')}`;
  const folder = join(lethe.dataDir, 'plugins', 'incoming', name);
  mkdirSync(folder, { recursive: true });
  bundle('test/support/planted-connector.ts', join(folder, 'index.mjs'));
  const manifest = {
    ...{ ...aManifest(), id: 'planted', name: 'Planted', version },
    config: { type: 'object', properties: { url: { type: 'string' } }, required: ['url'], additionalProperties: false },
    limits: { memoryMb: 128, callTimeoutS: 4, maxConcurrency: 1 },
  };
  writeFileSync(join(folder, 'lethe.plugin.json'), JSON.stringify(manifest));
  return name;
}

/** A mailing system with two rows of Carol and two of others, connected. */
export async function connectMailing(lethe: TestServer, name = 'mailing', version = '1.0.0'): Promise<Mailing> {
  const mailing = await openMailing();
  const plugin = plantPlugin(lethe, version);
  mailing.connectionId = await connectPlugin(lethe, { plugin, name, config: { url: mailing.url } });
  return mailing;
}

/** The mailing system alone. */
export async function openMailing(): Promise<Mailing> {
  const rows = new Map([
    ['m1', CAROL.email],
    ['m2', CAROL.email],
    ['m3', 'carol.jensen@example.test'],
    ['m4', 'dan@example.test'],
  ]);
  const answer = async (request: IncomingMessage): Promise<unknown> => {
    const [, version = '', path] = /^(?:\/as\/([^/]+))?(\/.*)$/.exec(request.url ?? '') ?? [];
    mailing.calls.push(`${version} ${path}`);
    if (path === '/fault') return { fault: mailing.fault, slowMs: mailing.slowMs, held: mailing.held };
    if (path === '/token') return { token: mailing.token };
    if (path === '/again/rows' && mailing.fault === 'blind') return [];
    if (path?.endsWith('/rows')) return [...rows].map(([id, email]) => ({ id, email }));
    for (const id of JSON.parse(await text(request)) as string[]) rows.delete(id);
    return {};
  };
  const server = createServer((request, response) => {
    const cut = mailing.fault === 'gone' || (mailing.fault === 'down' && !request.url?.endsWith('/rows'));
    if (cut) request.socket.destroy();
    else void answer(request).then((body) => response.end(JSON.stringify(body)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const mailing: Mailing = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connectionId: '',
    fault: 'none',
    slowMs: 0,
    held: false,
    token: 'first-token',
    calls: [],
    rows,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return mailing;
}
