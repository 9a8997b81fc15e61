/** The log over HTTP, checked from outside: by the published formats, and by the auditor's script that shares no code with it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  declareEvents,
  leafHash,
  openCheckpoint,
  parseEntryBundle,
  parseTile,
  parseVkey,
  tilePath,
  verifyTlogProof,
} from '#ledger';
import { run } from '../verify/small-log.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

declareEvents('Counted.v1');
let server: TestServer;
let logId: string;
let vkey: string;
let size: number;
const path = (rest: string): string => `/v1/logs/${logId}/${rest}`;
const auditor = { as: 'auditor' } as const;

const append = async (count: number): Promise<void> => {
  const { store } = server.server.parts;
  const tenant = server.tenant.tenant.id;
  const one = (at: number) => ({
    tenant,
    actorRef: 'staff-1',
    events: [{ stream: `count/${at % 7}`, type: 'Counted.v1', data: { at } }],
  });
  await Promise.all(Array.from({ length: count }, (_, at) => store.append(one(at))));
};
const bytes = async (rest: string): Promise<Buffer> => {
  const response = await fetch(server.server.baseUrl + path(rest), {
    headers: { authorization: `Bearer ${server.tenant.keys.auditor}` },
  });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/octet-stream']);
  expect(response.headers.get('cache-control')).toContain('immutable');
  return Buffer.from(await response.arrayBuffer());
};
const verifyLog = (...more: string[]) =>
  run('verify-log.mjs', [server.server.baseUrl, '--vkey', vkey, ...more], {
    LETHE_API_KEY: server.tenant.keys.auditor,
  });
const signedSize = async (): Promise<number> => (await server.get('/v1/ledger', auditor)).body.signedSize as number;
const untilSigned = async (): Promise<void> => {
  ({ size } = (await server.get('/v1/ledger', auditor)).body);
  await until('signed', async () => (await signedSize()) >= size);
};

beforeAll(async () => {
  server = await startTestServer();
  ({ logId, vkey } = (await server.get('/v1/ledger', auditor)).body);
  await append(600);
  await untilSigned();
});
afterAll(() => server?.close());

describe('an auditor reads', () => {
  it('which log it is, and its key', async () => {
    const { body } = await server.get('/v1/ledger', auditor);
    expect(body).toMatchObject({ logId, origin: `lethe/${logId}`, vkey, epoch: 1, signedSize: size });
    expect(parseVkey(vkey).name).toBe(`lethe/${logId}`);
  });

  it('a checkpoint that the log signed', async () => {
    const { body, headers } = await server.get(path('checkpoint'), auditor);
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(openCheckpoint(body, parseVkey(vkey)).size).toBe(size);
  });

  it('an entry, and its proof against a signed checkpoint', async () => {
    for (const position of [0, 255, 256, 511, 512, size - 1]) {
      const { body: entry } = await server.get(path(`entries/${position}`), auditor);
      const sealed = Buffer.from(entry.bytes, 'base64');
      expect(leafHash(sealed).toString('base64')).toBe(entry.leafHash);
      expect(JSON.parse(sealed.toString())).toMatchObject({ type: entry.type, recordedAt: entry.recordedAt });
      const { body: proof, headers } = await server.get(path(`entries/${position}/proof`), auditor);
      expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
      expect(verifyTlogProof(proof, sealed, parseVkey(vkey)).index).toBe(position);
    }
  });

  it('a proof for an entry that was appended this moment', async () => {
    await append(1);
    const position = size;
    const [{ body: entry }, proof] = await Promise.all([
      server.get(path(`entries/${position}`), auditor),
      server.get(path(`entries/${position}/proof`), auditor),
    ]);
    expect(proof.status).toBe(200);
    expect(verifyTlogProof(proof.body, Buffer.from(entry.bytes, 'base64'), parseVkey(vkey)).checkpoint.size).toBe(
      size + 1,
    );
    await untilSigned();
  });

  it('tiles and bundles, full and partial, with and without stored tiles', async () => {
    const { subscriptions } = server.server.parts;
    expect(await subscriptions.caughtUp(server.tenant.tenant.id, 'tiles', size - 1)).toBe(true);
    const read = async (): Promise<string[]> => {
      const names = [
        ...[
          { level: 0, index: 1, width: 256 },
          { level: 0, index: 2, width: size - 512 },
          { level: 0, index: 1, width: 9 },
        ],
        ...[
          { level: 1, index: 0, width: 2 },
          { level: 'entries' as const, index: 0, width: 256 },
        ],
      ];
      return (await Promise.all(names.map((name) => bytes(tilePath(name))))).map((one) => one.toString('base64'));
    };
    const stored = await read();
    const bundle = parseEntryBundle(Buffer.from(stored[4]!, 'base64'));
    const tile = parseTile(await bytes(tilePath({ level: 0, index: 0, width: 256 })));
    expect(bundle.map(leafHash)).toEqual(tile);
    await server.superuser.query('DELETE FROM tile');
    expect(await read()).toEqual(stored);
    await subscriptions.rebuild(server.tenant.tenant.id, 'tiles');
    expect(await read()).toEqual(stored);
  });
});

describe('what is refused', () => {
  it.each([
    ['consistency?from=0&to=5', 400, 'sizes-invalid'],
    ['consistency?from=6&to=5', 400, 'sizes-invalid'],
    ['consistency?from=1&to=100000', 409, 'position-not-reached'],
    ['consistency?from=x&to=5', 400, 'body-invalid'],
    ['entries/100000', 404, 'not-found'],
    ['entries/100000/proof', 404, 'not-found'],
    ['entries/-1', 400, 'body-invalid'],
    ['tile/0/0', 404, 'not-found'],
    ['tile/0/009', 404, 'not-found'],
    ['tile/0/002', 404, 'not-found'],
    ['tile/1/000', 404, 'not-found'],
    ['tile/64/000', 404, 'not-found'],
    ['tile/entries/000.p/0', 404, 'not-found'],
    ['tile/entries/../../checkpoint/x', 404, 'not-found'],
  ])('%s is %i %s', async (rest, status, code) => {
    const answer = await server.get(path(rest), auditor);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it.each(['checkpoint', 'entries/0', 'entries/0/proof', 'consistency?from=1&to=2', 'tile/0/000', 'tile/entries/000'])(
    "%s of another tenant's log is not there",
    async (rest) => {
      const answer = await server.get(`/v1/logs/0192f0c1-0000-7000-8000-000000000001/${rest}`, auditor);
      expect([answer.status, answer.body.code]).toEqual([404, 'not-found']);
    },
  );

  it('entries are for auditors and officers, seals for every key', async () => {
    const status = async (rest: string, as: 'system' | 'admin' | 'officer'): Promise<number> =>
      (await server.get(path(rest), { as })).status;
    expect(await status('entries/0', 'officer')).toBe(200);
    for (const as of ['system', 'admin'] as const) {
      expect([await status('entries/0', as), await status('tile/entries/000', as)]).toEqual([403, 403]);
      expect([
        await status('checkpoint', as),
        await status('tile/0/000', as),
        await status('entries/0/proof', as),
      ]).toEqual([200, 200, 200]);
    }
  });
});

describe("the auditor's script", () => {
  let kept: string;

  it('finds the whole log sound, and that it continues a checkpoint kept from before', async () => {
    kept = join(server.dataDir, 'kept-checkpoint');
    await writeFile(kept, (await server.get(path('checkpoint'), auditor)).body);
    await append(300);
    await untilSigned();
    const said = await verifyLog('--since', kept);
    expect([said.code, said.error]).toEqual([0, '']);
    expect(said.out).toContain('the records are those that were sealed');
    expect(said.out).toContain(`${size} of ${size}`);
    expect(await readFile(kept, 'utf8')).not.toContain(`\n${size}\n`);
  });

  it('(control) names a row whose bytes were changed in the database', async () => {
    await server.superuser.query(`UPDATE event SET bytes = replace(bytes, 'staff-1', 'staff-2') WHERE position = 300`);
    const said = await verifyLog('--since', kept);
    expect(said.code).toBe(1);
    expect(said.out).toContain('1, at positions 300');
  });

  it('(control) finds a row that was changed together with its hash, and its tiles', async () => {
    const { rows } = await server.superuser.query<{ bytes: string }>('SELECT bytes FROM event WHERE position = 300');
    await server.superuser.query('UPDATE event SET leaf_hash = $1 WHERE position = 300', [
      leafHash(Buffer.from(rows[0]!.bytes)),
    ]);
    await server.superuser.query('DELETE FROM tile');
    const said = await verifyLog('--since', kept);
    expect(said.code).toBe(1);
    expect(said.error).toContain('history was rewritten');
  });

  it('and the signer signs no such log: not ready any more', async () => {
    const before = await signedSize();
    // On a slow machine the watch of the service has seen it by now, and nothing is appended any more.
    await append(1).catch((error: unknown) => expect(error).toMatchObject({ code: 'rollback-detected' }));
    await until('not ready', async () => (await server.get('/readyz')).status !== 200);
    const answer = await server.get('/readyz');
    expect([answer.status, answer.body.code]).toEqual([503, 'rollback-detected']);
    expect(await signedSize()).toBe(before);
  });
});
