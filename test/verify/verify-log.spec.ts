/** The auditor's seal check, on an exported folder and over HTTP: what is whole passes, what was changed is found and placed. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { formatEntryBundle, tilePath } from '../../libs/ledger/src/log/tile.js';
import { leafHash } from '../../libs/ledger/src/log/merkle.js';
import { SmallLog, aLeaf, aSigner, logVkey, origin, run, witnessVkey } from './small-log.js';

const log = new SmallLog(Array.from({ length: 300 }, (_, at) => aLeaf(at)));
const changed = (at: number): SmallLog => new SmallLog(log.leaves.with(at, aLeaf(at, { actorRef: 'staff-8' })));
let seals: Record<'early' | 'middle' | 'late' | 'cosigned', string>;
beforeAll(async () => {
  const [early, middle, late, cosigned] = await Promise.all([
    log.checkpoint(100),
    log.checkpoint(256),
    log.checkpoint(),
    log.cosigned(1_793_700_000),
  ]);
  seals = { early, middle, late, cosigned };
});
const folders = mkdtempSync(join(tmpdir(), 'lethe-log-'));
const aFolder = (): string => mkdtempSync(join(folders, 'log-'));
afterAll(() => rmSync(folders, { recursive: true }));

/** A file that the auditor kept. */
function kept(checkpoint: string): string {
  const file = join(aFolder(), 'kept');
  writeFileSync(file, checkpoint);
  return file;
}

interface Export {
  shown?: SmallLog;
  left?: number[];
  checkpoint?: string;
  bundles?: boolean;
}

function exported({ shown = log, left = [], checkpoint = seals.late, bundles = false }: Export = {}): string {
  const folder = aFolder();
  writeFileSync(join(folder, 'checkpoint'), checkpoint);
  mkdirSync(join(folder, 'checkpoints'));
  writeFileSync(join(folder, 'checkpoints', '100'), seals.early);
  writeFileSync(join(folder, 'checkpoints', '256'), seals.middle);
  if (!bundles) {
    const lines = shown.leaves.map((leaf, position) => JSON.stringify({ position, bytes: leaf.toString('base64') }));
    writeFileSync(join(folder, 'entries.ndjson'), lines.filter((_, at) => !left.includes(at)).join('\n'));
    return folder;
  }
  mkdirSync(join(folder, 'tile/entries/001.p'), { recursive: true });
  for (const [index, width] of [256, 44].entries()) {
    const entries = shown.leaves.slice(index * 256, index * 256 + width);
    writeFileSync(join(folder, tilePath({ level: 'entries', index, width })), formatEntryBundle(entries));
  }
  return folder;
}
const verifyFolder = (folder: string, ...more: string[]) => run('verify-log.mjs', [folder, '--vkey', logVkey, ...more]);

describe('the seal check of an exported folder', () => {
  it.each([true, false])('passes a whole log and prints the page (bundles: %s)', async (bundles) => {
    const folder = exported({ bundles, checkpoint: seals.cosigned });
    const said = await verifyFolder(folder, '--witness', witnessVkey, '--since', kept(seals.early));
    expect(said).toMatchObject({ code: 0, error: '' });
    expect(said.out).toMatch(/Records recomputed +300 of 300\n +Changed +0\n +Missing +0\n/);
    expect(said.out).toMatch(/Period +2026-11-02T08:00:00.000Z to 2026-11-02T12:59:00.000Z/);
    expect(said.out).toContain('100, 256, 300 records; 1 of them yours');
    expect(said.out).toContain('witness.example.test/w1 at 2026-11-03T');
    expect(said.out).toContain('cannot show what a source never reported');
    expect(said.out).not.toContain('You gave no earlier checkpoint');
  });

  it('names its limits when there is no witness, no kept seal and no key', async () => {
    const folder = exported();
    expect((await run('verify-log.mjs', [folder])).error).toContain('no log key');
    writeFileSync(join(folder, 'vkey'), `${logVkey}\n`);
    const said = await run('verify-log.mjs', [folder]);
    expect(said.code).toBe(0);
    for (const words of ['No independent witness', 'no earlier checkpoint', 'came from the operator']) {
      expect(said.out).toContain(words);
    }
  });

  it.each([
    [0, 0, 99],
    [150, 100, 255],
    [299, 256, 299],
  ])('finds a change at position %i between the seals around it', async (at, from, to) => {
    const said = await verifyFolder(exported({ shown: changed(at) }));
    expect(said.code).toBe(1);
    expect(said.out).toContain(`at least 1, at positions ${from} to ${to}`);
    expect(said.out).toContain('NOT THOSE THAT WERE SEALED');
    expect(said.error).toContain('SEAL CHECK FAILED');
  });

  it('finds what is missing, and names it', async () => {
    const said = await verifyFolder(exported({ left: [7, 299] }));
    expect(said.code).toBe(1);
    expect(said.out).toMatch(/Missing +2, at positions 7, 299/);
  });

  it.each([
    [
      'two records exchanged',
      () => exported({ shown: new SmallLog(log.leaves.with(4, log.leaves[5]!).with(5, log.leaves[4]!)) }),
    ],
    ['a record doubled', () => exported({ shown: new SmallLog(log.leaves.with(4, log.leaves[5]!)) })],
  ])('refuses %s', async (_, make) => {
    expect(await verifyFolder(make())).toMatchObject({ code: 1 });
  });

  it('refuses a log that was rolled back, forked or rewritten since a seal you hold', async () => {
    const back = await verifyFolder(exported({ checkpoint: seals.early }), '--since', kept(seals.late));
    expect(back.error).toContain('rolled back');
    const rewritten = changed(3);
    const fork = await verifyFolder(exported(), '--since', kept(await rewritten.checkpoint()));
    expect(fork.error).toContain('two different seals of 300 records');
    const since = await verifyFolder(exported(), '--since', kept(await rewritten.checkpoint(50)));
    expect(since).toMatchObject({ code: 1 });
    expect(since.out).toContain('at positions 0 to 49');
  });

  it('names the file of a seal that is not one', async () => {
    // What a shell function adds that ends its answers with a line of its own.
    const file = kept(`${seals.early}\n`);
    expect((await verifyFolder(exported(), '--since', file)).error).toContain(`${file}: the checkpoint is malformed`);
  });

  it('refuses a seal by another key or of another log', async () => {
    const stranger = aSigner(origin, 9);
    const said = await verifyFolder(exported({ checkpoint: await log.checkpoint(300, stranger) }));
    expect(said.error).toContain('has not signed');
    const foreign = await log.checkpoint(300, aSigner('other.example.test/1', 1));
    expect((await verifyFolder(exported({ checkpoint: foreign }))).error).toContain('another log');
  });

  it('refuses a seal with any byte of each class changed', async () => {
    const classes = { origin: 3, size: seals.late.indexOf('\n300') + 2, root: seals.late.indexOf('\n300') + 9 };
    const signature = seals.late.lastIndexOf(' ') + 1;
    for (const at of [...Object.values(classes), signature, signature + 20, seals.late.length - 1]) {
      const bytes = Buffer.from(seals.late);
      const byteAt = Buffer.byteLength(seals.late.slice(0, at));
      bytes.writeUInt8(bytes.readUInt8(byteAt) ^ 1, byteAt);
      expect(await verifyFolder(exported({ checkpoint: bytes.toString() }))).toMatchObject({ code: 1, out: '' });
    }
  });
});

describe('the seal check over HTTP', () => {
  let server: Server | undefined;
  let asked: string[] = [];
  afterEach(() => {
    server?.close();
    server?.closeAllConnections();
  });

  /** A service that shows `shown` under the true seal, with or without entry bundles. */
  async function serve(
    shown: SmallLog,
    { bundles = true, stated = shown, busy = false }: { bundles?: boolean; stated?: SmallLog; busy?: boolean } = {},
  ) {
    asked = [];
    const answer = async (url: URL): Promise<string | Buffer | undefined> => {
      const at = Number(/entries\/(\d+)$/.exec(url.pathname)?.[1]);
      const path = url.pathname.replace('/v1/logs/L1/', '');
      if (path === '/v1/ledger') return JSON.stringify({ logId: 'L1', vkey: logVkey, size: 300 });
      if (path === 'checkpoint') return seals.late;
      if (path === 'consistency') {
        const [from, to] = ['from', 'to'].map((name) => Number(url.searchParams.get(name)));
        const hashes = (await shown.consistency(from ?? 0, to ?? 0)).map((hash) => hash.toString('base64'));
        return JSON.stringify({ from, to, hashes });
      }
      if (bundles && path === 'tile/entries/000') return formatEntryBundle(shown.leaves.slice(0, 256));
      if (bundles && path === 'tile/entries/001.p/44') return formatEntryBundle(shown.leaves.slice(256));
      const [bytes, said] = [shown.leaves[at], stated.leaves[at]];
      if (bytes === undefined || said === undefined || !path.startsWith('entries/')) return undefined;
      const entry = { position: at, bytes: bytes.toString('base64'), leafHash: leafHash(said).toString('base64') };
      return JSON.stringify({ ...entry, type: 'TargetSettled.v1', recordedAt: '2026-11-02T08:00:00.000Z' });
    };
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (busy && asked.length === 2) return void response.writeHead(429, { 'retry-after': '1' }).end();
      const allowed = request.headers.authorization === 'Bearer lethe_test_key';
      void (allowed ? answer(new URL(request.url ?? '/', 'http://localhost')) : Promise.resolve(undefined)).then(
        (body) => {
          response.writeHead(body === undefined ? 404 : 200).end(body);
        },
      );
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const verify = (url: string, ...more: string[]) =>
    run('verify-log.mjs', [url, '--vkey', logVkey, ...more], { LETHE_API_KEY: 'lethe_test_key' });

  it('reads bundles where they are served, and proves the way from a kept seal', async () => {
    const said = await verify(await serve(log), '--since', kept(seals.early));
    expect(said).toMatchObject({ code: 0, error: '' });
    expect(said.out).toContain('proved by the service');
    expect(asked.filter((path) => path.includes('entries/'))).toHaveLength(2);
  });

  it('reads entry by entry where they are not', async () => {
    const said = await verify(await serve(log, { bundles: false }));
    expect(said).toMatchObject({ code: 0, error: '' });
    expect(asked.filter((path) => /L1\/entries\/\d+$/.test(path))).toHaveLength(300);
  });

  it('waits when the service is busy', async () => {
    expect(await verify(await serve(log, { busy: true }))).toMatchObject({ code: 0, error: '' });
    expect(asked[2]).toBe(asked[1]);
  });

  it('names the entry whose bytes do not fit the hash that the service states', async () => {
    const said = await verify(await serve(changed(42), { bundles: false, stated: log }));
    expect(said.code).toBe(1);
    expect(said.out).toMatch(/Changed +1, at positions 42/);
  });

  it('refuses a service that rewrote history behind a kept seal', async () => {
    const said = await verify(await serve(changed(42)), '--since', kept(seals.early));
    expect(said).toMatchObject({ code: 1 });
    expect(said.error).toContain('history was rewritten');
  });

  it('says so when the service refuses or is gone', async () => {
    const url = await serve(log);
    expect((await run('verify-log.mjs', [url, '--vkey', logVkey])).error).toContain('answers 404 to /v1/ledger');
    expect((await run('verify-log.mjs', ['http://127.0.0.1:9', '--vkey', logVkey])).error).toContain(
      'cannot be reached',
    );
  });
});
