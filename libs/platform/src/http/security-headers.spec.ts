/** What an answer may be used for follows the route that gives it, whatever spelling of the path led there. */
import helmet from '@fastify/helmet';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { installSecurityHeaders } from './security-headers.js';

let server: FastifyInstance;
let url: string;
beforeAll(async () => {
  server = fastify();
  await server.register(helmet, { global: false });
  installSecurityHeaders(server);
  server.get('/v1/subjects', () => ({}));
  server.get('/docs', () => ({}));
  url = await server.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => server.close());

const cacheOf = async (path: string): Promise<string | null> => (await fetch(url + path)).headers.get('cache-control');

describe('an answer with personal data', () => {
  it.each(['/v1/subjects', '/%76%31/subjects', '/v1/nowhere', '/v%31/subjects?a=b'])(
    'at %s is kept by nobody',
    async (path) => {
      expect(await cacheOf(path)).toBe('no-store');
    },
  );

  it('(control) a page is not under that rule', async () => {
    expect(await cacheOf('/docs')).toBeNull();
  });
});
