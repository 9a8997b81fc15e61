/** What is refused first, and what never. */
import { connect, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { fastify } from 'fastify';
import { demandOf, DEMANDS, levelOf, LoadShedding } from './load-shedding.js';

const withdrawal = { decisions: [{ purpose: 'news', decision: 'withdrawn' }] };
const given = { decisions: [{ purpose: 'news', decision: 'given' }] };

describe('load shedding', () => {
  it('refuses in the order access log, batches, requests, checks; stops have no level', () => {
    expect(levelOf({ delayMs: 0, queued: 0 })).toBe(0);
    const levels = [80, 160, 320, 1_000, 60_000].map((delayMs) => levelOf({ delayMs, queued: 0 }));
    expect(levels).toEqual([1, 2, 3, 4, 4]);
    expect([2_000, 5_000, 10_000, 16_000].map((queued) => levelOf({ delayMs: 0, queued }))).toEqual([1, 2, 3, 4]);
    expect(DEMANDS.indexOf('stops')).toBe(4);
  });

  it.each([
    ['POST', '/v1/access-log/entries', undefined, 'access-log'],
    ['POST', '/v1/consents/check-batch', undefined, 'batches'],
    ['POST', '/v1/requests/search', undefined, 'batches'],
    ['POST', '/v1/consents/check', undefined, 'checks'],
    ['POST', '/v1/consents', undefined, undefined],
    ['POST', '/v1/consents', given, 'checks'],
    ['POST', '/v1/consents', withdrawal, 'stops'],
    ['POST', '/v1/requests', { type: 'erasure' }, 'requests'],
    ['POST', '/v1/requests', { type: 'opt-out' }, 'stops'],
    ['GET', '/v1/requests/:id', undefined, 'requests'],
  ])('%s %s %j is of class %s', (method, route, body, demand) => {
    expect(demandOf(method, route, body)).toBe(demand);
  });
});

describe('places', () => {
  it('are not held by bodies that never arrive: one slow sender stops nobody else', async () => {
    const server = fastify();
    new LoadShedding(() => 0).install(server);
    const held: (() => void)[] = [];
    server.post('/v1/access-log/entries', async (request) => {
      if ((request.body as { hold?: boolean }).hold) await new Promise<void>((resolve) => held.push(resolve));
      return {};
    });
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.server.address() as AddressInfo;
    const slow: Socket[] = Array.from({ length: 40 }, () => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      socket.write('POST /v1/access-log/entries HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n');
      socket.write('content-length: 100\r\n\r\n{');
      return socket;
    });
    const report = (body: object): Promise<number> =>
      fetch(`http://127.0.0.1:${port}/v1/access-log/entries`, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
      }).then(({ status }) => status);
    try {
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(await report({})).toBe(200);
      // The control: what is worked on holds its place.
      const working = Array.from({ length: 32 }, () => report({ hold: true }));
      while (held.length < 32) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(await report({})).toBe(503);
      for (const end of held) end();
      expect(new Set(await Promise.all(working))).toEqual(new Set([200]));
      expect(await report({})).toBe(200);
    } finally {
      for (const socket of slow) socket.destroy();
      await server.close();
    }
  });
});
