/** What a replica answers after SIGTERM, and for how long: also where hardly anybody calls. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { Drain } from './drain.js';

const LEAST_MS = 1_200;
const MOST_MS = 60_000;

describe('the end of a replica', () => {
  let server: FastifyInstance;
  let drain: Drain;
  let baseUrl: string;
  const status = async (path: string): Promise<number> => (await fetch(baseUrl + path)).status;
  const took = async (least: number, most: number): Promise<number> => {
    const began = performance.now();
    await drain.finish(least, most);
    return performance.now() - began;
  };

  beforeEach(async () => {
    server = fastify();
    drain = new Drain(server);
    for (const path of ['/readyz', '/call']) server.get(path, () => ({}));
    server.get('/hangs', () => new Promise(() => undefined));
    baseUrl = await server.listen({ port: 0, host: '127.0.0.1' });
  });
  afterEach(async () => {
    server.server.closeAllConnections();
    await server.close();
  });

  it('is put off until a balancer has noticed, though nobody calls, and every call is answered until then', async () => {
    const ended = took(LEAST_MS, MOST_MS);
    expect(() => drain.assertServing()).toThrow(/Send new ones to another/);
    expect([await status('/readyz'), await status('/call')]).toEqual([503, 200]);
    expect(await ended).toBeGreaterThanOrEqual(LEAST_MS);
  });

  it('is not put off without a least time, nor beyond the most', async () => {
    drain.assertServing();
    expect(await took(0, MOST_MS)).toBeLessThan(MOST_MS);
    void status('/hangs').catch(() => undefined);
    expect(await status('/call')).toBe(200);
    expect(await took(LEAST_MS, 300)).toBeLessThan(LEAST_MS);
  });
});
