/** Bad input gets a problem document with a stable code, whoever raises the error. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestServer, type TestServer } from '../support/test-server.js';

const someId = '01a19b7c-a680-7fd3-9f27-0ba1e06b6bef';

describe('bad input', () => {
  let lethe: TestServer;
  beforeAll(async () => {
    lethe = await startTestServer();
  });
  afterAll(() => lethe.close());

  const raw = async (
    body: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; type: string | null; code: string }> => {
    const response = await fetch(`${lethe.server.baseUrl}/v1/admin/api-keys`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${lethe.tenant.keys.admin}`,
        'content-type': 'application/json',
        'idempotency-key': 'k1',
        ...headers,
      },
      body,
    });
    const document = (await response.json()) as { code: string };
    return { status: response.status, type: response.headers.get('content-type'), code: document.code };
  };

  it.each([
    ['broken JSON', '{"a":', {}, 400, 'bad-request'],
    ['prototype poisoning', '{"__proto__": {"x": 1}}', {}, 400, 'bad-request'],
    ['a wrong shape', '{"kind":"system"}', {}, 400, 'body-invalid'],
    ['another media type', 'a=b', { 'content-type': 'text/csv' }, 415, 'media-type-unsupported'],
    ['a body over the limit', JSON.stringify({ kind: 'x'.repeat(1_100_000) }), {}, 413, 'body-too-large'],
    [
      'no idempotency key',
      '{"kind":"system","label":"x","scopes":["consents:check"]}',
      { 'idempotency-key': '' },
      400,
      'idempotency-key-missing',
    ],
  ])('%s is named', async (_, body, headers, status, code) => {
    expect(await raw(body, headers as Record<string, string>)).toMatchObject({
      status,
      code,
      type: expect.stringContaining('application/problem+json'),
    });
  });

  it.each([
    ['/v1/requests', 'channel', 'channel'],
    ['/v1/requests', 'purposes/0', 'purposes'],
    [`/v1/requests/${someId}/exclusions`, 'identifierType', 'identifierType'],
    [`/v1/requests/${someId}/exclusions`, 'connectionId', 'connectionId'],
    [`/v1/requests/${someId}/refuse`, 'exception', 'exception'],
  ])(
    'words at %s in %s, which stands open in the ledger, are named by place and never repeated',
    async (path, at, field) => {
      const request = {
        type: 'objection',
        regimes: ['eu-gdpr'],
        subject: { identifiers: [{ type: 'x', value: 'x' }] },
      };
      const bodies: Record<string, object> = {
        requests: { ...request, channel: 'mail' },
        exclusions: { connectionId: 'x', identifierType: 'x', reason: 'x' },
        refuse: { exception: 'x', reason: 'x', resolution: 'out-of-scope' },
      };
      const words = 'ada@example.test, by mail';
      const body = bodies[path.split('/').at(-1)!];
      const answer = await lethe.post(path, { ...body, [field]: field === 'purposes' ? [words] : words });
      expect(answer.body).toMatchObject({ status: 400, errors: [{ pointer: `/${at}`, code: 'invalid-format' }] });
      expect(JSON.stringify(answer.body)).not.toContain('ada@');
    },
  );

  it.each([
    ['DELETE', '/v1/purposes/news', 'PUT'],
    ['GET', '/v1/consents/check?x=1', 'POST'],
    ['POST', '/v1/whoami', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'],
  ])('%s of %s, which takes others, names them', async (method, path, allowed) => {
    const headers = { authorization: `Bearer ${lethe.tenant.keys.officer}` };
    const answer = await fetch(`${lethe.server.baseUrl}${path}`, { method, headers });
    const { code } = (await answer.json()) as { code: string };
    expect([answer.status, code, answer.headers.get('allow')]).toEqual([405, 'method-not-allowed', allowed]);
    expect((await fetch(`${lethe.server.baseUrl}${path}`, { method })).status).toBe(path.startsWith('/v1') ? 401 : 405);
  });

  it('an unknown path is a problem document as well', async () => {
    const { status, body } = await lethe.get('/v1/nothing-here');
    expect([status, body.code]).toEqual([404, 'not-found']);
  });
});
