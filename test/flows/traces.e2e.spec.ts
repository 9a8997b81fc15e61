/** Traces reach a real collector over HTTP, join their caller's, and hold nothing of any person. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

const CANARIES = ['canary.person@example.test', 'CanaryName', 'canary-employee', 'canary-in-url', 'canary-agent'];
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

interface Span {
  traceId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: object }[];
}

let collector: Server;
let lethe: TestServer;
const received: string[] = [];
let path = '';
let secret: string | undefined;

beforeAll(async () => {
  collector = createServer((request, response) => {
    path = request.url ?? '';
    secret = request.headers['x-collector-key'] as string;
    void text(request).then((body) => {
      received.push(body);
      response.end('{}');
    });
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/`;
  lethe = await startTestServer({
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=open%20sesame' },
  });
}, 60_000);
afterAll(async () => {
  await lethe.close();
  collector.close();
});

function spans(): Span[] {
  return received.flatMap((body) =>
    (JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }).resourceSpans.flatMap(
      ({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans),
    ),
  );
}

describe('traces', () => {
  it('tell of calls and flushes by template, and of nobody', async () => {
    await lethe.put(
      '/v1/purposes/news',
      { name: 'CanaryName', legalBasis: 'consent', model: 'opt-in' },
      { as: 'admin' },
    );
    const subject = { identifiers: [{ type: 'email', value: CANARIES[0] }] };
    const headers = {
      traceparent: `00-${TRACE}-${PARENT}-01`,
      'user-agent': 'canary-agent',
      baggage: 'who=canary-employee',
      tracestate: 'x=canary-employee',
    };
    await lethe.post('/v1/consents/check', { subject, purpose: 'news' }, { as: 'system', headers });
    await lethe.get('/v1/subjects/0190a0a0-0000-7000-8000-000000000001/consents?who=canary-in-url');
    await lethe.get('/v1/canary-in-url');
    await until('the last span', () => spans().some(({ name }) => name === 'GET none'));
    const seen = spans();
    const call = seen.find(({ name }) => name === 'POST /v1/consents/check');
    expect(call).toMatchObject({ traceId: TRACE, parentSpanId: PARENT });
    expect(BigInt(call?.endTimeUnixNano ?? 0)).toBeGreaterThan(BigInt(call?.startTimeUnixNano ?? 0));
    const names = seen.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['PUT /v1/purposes/:id', 'GET /v1/subjects/:id/consents', 'GET none', 'ledger.flush']),
    );
    const keys = new Set(seen.flatMap(({ attributes }) => attributes.map(({ key }) => key)));
    expect([...keys].sort()).toEqual([
      'http.request.method',
      'http.response.status_code',
      'http.route',
      'lethe.events',
    ]);
    const all = received.join('\n');
    expect([...CANARIES, lethe.tenant.tenant.id, '0190a0a0'].filter((canary) => all.includes(canary))).toEqual([]);
    // Control: the search would find them, were they there.
    expect(CANARIES.filter((canary) => JSON.stringify({ subject, headers }).includes(canary)).length).toBeGreaterThan(
      1,
    );
    expect([path, secret]).toEqual(['/v1/traces', 'open sesame']);
  }, 30_000);

  it('follow a caller that does not sample, and cost no call when the collector is gone', async () => {
    const before = spans().length;
    await lethe.get('/v1/whoami', { headers: { traceparent: `00-${'a'.repeat(32)}-${PARENT}-00` } });
    // What ended later was sent, so the call before it would have been.
    await lethe.get('/v1/after-the-unsampled');
    await until('a later span', () =>
      spans()
        .slice(before)
        .some(({ name }) => name === 'GET none'),
    );
    expect(
      spans()
        .slice(before)
        .filter(({ name }) => name === 'GET /v1/whoami'),
    ).toEqual([]);
    collector.close();
    collector.closeAllConnections();
    expect((await lethe.get('/v1/whoami')).status).toBe(200);
  });
});
