/** The wire: errors inside HTTP 200, servers that are away, slow, wrong or chatty; no error repeats what the server said. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Ctx } from '@lethe/plugin-sdk';
import type { TrytonConfig } from './config.js';
import tryton from './index.js';
import { openSession } from './rpc.js';

type Answer = { status?: number; body: string; delayMs?: number };
let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that logs anybody in and answers every model call as told. */
async function serve(answer: (method: string) => Answer): Promise<string> {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method } = JSON.parse(Buffer.concat(chunks).toString()) as { method: string };
      const { status = 200, body, delayMs = 0 } = answer(method);
      setTimeout(() => response.writeHead(status, { 'content-type': 'application/json' }).end(body), delayMs).unref();
    });
  });
  await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const result = (value: unknown): Answer => ({ body: JSON.stringify({ id: 1, result: value }) });
const error = (...parts: string[]): Answer => ({ body: JSON.stringify({ id: 1, error: parts }) });
const login = (method: string, other: Answer): Answer =>
  method === 'common.db.login' ? result([4, 'key', null]) : method.endsWith('get_preferences') ? result({}) : other;

function context(url: string, patienceMs = 5_000): Ctx<TrytonConfig> {
  return {
    config: { url, database: 'shop', user: 'lethe' },
    secrets: { password: 'hidden-word' },
    signal: new AbortController().signal,
    deadline: new Date(1_000 + patienceMs),
    now: () => new Date(1_000),
    log: { info: () => undefined, warn: () => undefined },
  };
}

const codeOf = async (url: string, patienceMs?: number) => {
  const seen = await tryton.check(context(url, patienceMs));
  expect(JSON.stringify(seen)).not.toMatch(/Carol|hidden-word/);
  return seen.ok ? 'ok' : `${seen.error.class} ${seen.error.code}`;
};

describe('tryton: the wire', () => {
  it.each<[string, Answer, string]>([
    ['401', { status: 401, body: 'Carol' }, 'auth login-refused'],
    ['404', { status: 404, body: '' }, 'config database-unknown'],
    ['429', { status: 429, body: '' }, 'rate-limit too-many-requests'],
    ['502', { status: 502, body: 'Carol' }, 'transient server-error'],
    ['a redirect', { status: 302, body: '' }, 'transient server-unreachable'],
    ['a page instead of JSON', { body: '<html>Carol' }, 'transient server-unreachable'],
    ['an array', { body: '["Carol"]' }, 'permanent answer-unexpected'],
    ['a login without a session', result('Carol'), 'permanent login-unexpected'],
  ])('tells %s apart', async (_name, answer, code) => {
    expect(await codeOf(await serve(() => answer))).toBe(code);
  });

  it('does not wait beyond the deadline, and names a server that is away', async () => {
    expect(await codeOf(await serve(() => ({ ...result(null), delayMs: 3_000 })), 200)).toBe(
      'transient server-unreachable',
    );
    expect(await codeOf('http://127.0.0.1:1')).toBe('transient server-unreachable');
  });

  it('takes a missing right for what it is, not for an empty answer', async () => {
    const denied = error('UserError', 'You are not allowed to access "Carol".,,');
    const url = await serve((method) => login(method, denied));
    expect(await codeOf(url)).toBe('auth rights-missing');
    const item = {
      itemKey: 'k',
      generation: 0,
      ids: [{ type: 'email', value: 'carol@example.test', strength: 'verified' as const }],
    };
    await expect(tryton.locate(context(url), [item])[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      fail: { class: 'auth', code: 'tryton-denied' },
    });
  });

  it('takes an exception of the server for a fault, and a module that is not activated for none', async () => {
    const broken = await openSession(context(await serve((method) => login(method, error('KeyError Carol', 'trace')))));
    await expect(broken.searchIfThere('sale.sale', [], [])).rejects.toMatchObject({ fail: { code: 'server-error' } });
    server?.close();
    const absent = await openSession(context(await serve((method) => login(method, error("'sale.sale'", 'trace')))));
    expect(await absent.searchIfThere('sale.sale', [], [])).toEqual([]);
    await expect(absent.search('sale.sale', [], [])).rejects.toMatchObject({ kind: 'unknown-model' });
  });

  it('refuses a configuration that is not one, without repeating it', async () => {
    const seen = await tryton.check({
      ...context('file:///carol'),
      config: { url: 'file:///carol', database: 'a/b', user: '' },
    });
    expect(seen).toMatchObject({ ok: false, error: { class: 'config', code: 'config-invalid' } });
    expect(JSON.stringify(seen)).not.toContain('carol');
  });
});
