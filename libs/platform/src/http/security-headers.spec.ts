/** What an answer may be used for follows the route that gives it, whatever spelling of the path led there. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { installSecurityHeaders } from './security-headers.js';

let server: FastifyInstance;
let url: string;
beforeAll(async () => {
  server = fastify();
  installSecurityHeaders(server);
  server.get('/v1/subjects', () => ({}));
  server.get('/docs', () => ({}));
  url = await server.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => server.close());

const headersOf = async (path: string): Promise<Headers> => (await fetch(url + path)).headers;
const cacheOf = async (path: string): Promise<string | null> => (await headersOf(path)).get('cache-control');

describe('an answer with personal data', () => {
  it.each(['/v1/subjects', '/%76%31/subjects', '/v1/nowhere', '/v%31/subjects?a=b'])(
    'at %s is kept by nobody',
    async (path) => {
      expect(await cacheOf(path)).toBe('no-store');
    },
  );

  it('(control) a page is not under that rule', async () => {
    expect(await cacheOf('/docs')).toBeNull();
    expect((await headersOf('/docs')).get('content-security-policy')).toContain("script-src 'self'");
  });
});
