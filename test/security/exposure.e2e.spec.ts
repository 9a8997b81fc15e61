/** What an answer gives away: nothing to a browser that keeps or frames it, and not whether a person is known here. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { secretMatches, hashSecret } from '../../libs/tenancy/src/credential.js';
import { approvedErasure, byEmail, closed } from '../support/connected-systems.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';

let lethe: TestServer;
beforeAll(async () => {
  lethe = await startTestServer();
});
afterAll(() => lethe.close());

describe('every answer', () => {
  it.each(['/v1/whoami', '/v1/nothing-here', '/v1/purposes'])(
    'under /v1 is kept by nobody and framed by nobody: %s',
    async (path) => {
      const { headers } = await lethe.get(path);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain(`default-src 'none'`);
      expect(headers.get('content-security-policy')).toContain(`frame-ancestors 'none'`);
      expect(headers.get('strict-transport-security')).toMatch(/max-age=31536000; includeSubDomains/);
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('set-cookie')).toBeNull();
      expect(headers.get('server') ?? headers.get('x-powered-by')).toBeNull();
    },
  );

  it('to a refused call says so too, and asks for a bearer token', async () => {
    const { status, headers } = await lethe.get('/v1/whoami', { key: 'none' });
    expect([status, headers.get('www-authenticate'), headers.get('cache-control')]).toEqual([
      401,
      'Bearer',
      'no-store',
    ]);
  });

  it('is given to a method that the route takes, and to no other', async () => {
    for (const method of ['TRACE', 'DELETE', 'PATCH', 'OPTIONS']) {
      const { status, headers } = await raw(method, '/v1/whoami');
      expect([method, status >= 400 && status < 500]).toEqual([method, true]);
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('is given to a token in the header only: one in the URL or in the body is nobody', async () => {
    const { key } = { key: lethe.tenant.keys.officer };
    const url = `${lethe.server.baseUrl}/v1/whoami?access_token=${key}`;
    expect((await fetch(url)).status).toBe(401);
    const body = new URLSearchParams({ access_token: key });
    expect((await fetch(`${lethe.server.baseUrl}/v1/requests/search`, { method: 'POST', body })).status).toBe(401);
    expect((await fetch(`${lethe.server.baseUrl}/v1/whoami`, { headers: { cookie: `token=${key}` } })).status).toBe(
      401,
    );
  });
});

/** `fetch` refuses TRACE. */
async function raw(method: string, path: string): Promise<{ status: number; headers: Record<string, unknown> }> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${lethe.tenant.keys.officer}`, 'idempotency-key': 'x' };
    const outgoing = request(lethe.server.baseUrl + path, { method, headers }, (incoming) => {
      incoming.resume();
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

describe('a key that may not explain', () => {
  let coarse: string;
  const people = {
    known: 'known@example.test',
    stopped: 'stopped@example.test',
    gone: 'gone@example.test',
    never: 'never@example.test',
  };

  beforeAll(async () => {
    await lethe.put('/v1/purposes/news', { name: 'News', legalBasis: 'consent', model: 'opt-in' }, { as: 'admin' });
    await lethe.put('/v1/purposes/other', { name: 'Other', legalBasis: 'consent', model: 'opt-in' }, { as: 'admin' });
    const notice = { id: 'n', version: '1', language: 'en', text: 'News.', purposes: ['news', 'other'] };
    expect((await lethe.post('/v1/notices', notice)).status).toBe(201);
    for (const [email, decision] of [
      [people.known, 'given'],
      [people.stopped, 'withdrawn'],
      [people.gone, 'given'],
    ] as const) {
      const given = {
        ...{ subject: { identifiers: [byEmail(email)] }, decisions: [{ purpose: 'news', decision }] },
        ...{
          notice: { id: 'n', version: '1' },
          method: 'form',
          collectedAt: lethe.clock.now().toISOString(),
          evidence: {},
        },
      };
      expect((await lethe.post('/v1/consents', given, { as: 'system' })).status).toBe(201);
    }
    await closed(lethe, await approvedErasure(lethe, [byEmail(people.gone)]));
    const scopes = ['consents:check', 'requests:open'];
    const body = { kind: 'system', label: 'coarse', scopes };
    coarse = (await lethe.post('/v1/admin/api-keys', body, { as: 'admin' })).body.key;
  }, 60_000);

  /** Everything of an answer but what is new at every call. */
  const shape = ({ status, headers, body }: TestAnswer): string => {
    const { token: _, id: __, instance: ___, ...rest } = body as Record<string, unknown>;
    const names = [...headers.keys()].filter((name) => name !== 'date').sort();
    return JSON.stringify([status, names, rest]);
  };

  it('is told the same of a person who never was, who has said no, who was asked something else, and who was erased', async () => {
    const asked = [
      [people.never, 'news'],
      [people.stopped, 'news'],
      [people.known, 'other'],
      [people.gone, 'news'],
    ] as const;
    const answers = await Promise.all(
      asked.map(([email, purpose]) =>
        lethe.post('/v1/consents/check', { subject: { identifiers: [byEmail(email)] }, purpose }, { key: coarse }),
      ),
    );
    expect(new Set(answers.map(shape)).size).toBe(1);
    expect(answers[0]!.body).toMatchObject({ decision: 'deny', reason: 'not-permitted' });
    // Control: a key that may explain sees the difference.
    const explained = await Promise.all(
      asked.map(([email, purpose]) =>
        lethe.post('/v1/consents/check', { subject: { identifiers: [byEmail(email)] }, purpose }, { as: 'officer' }),
      ),
    );
    expect(new Set(explained.map(shape)).size).toBeGreaterThan(1);
  });

  it('is told the same in a batch', async () => {
    const items = Object.values(people)
      .filter((email) => email !== people.known)
      .map((email, ref) => ({ ref: String(ref), subject: { identifiers: [byEmail(email)] }, purpose: 'news' }));
    const { body } = await lethe.post('/v1/consents/check-batch', { items }, { key: coarse });
    const told = body.items.map(({ ref: _, token: __, ...rest }: Record<string, unknown>) => JSON.stringify(rest));
    expect(new Set(told).size).toBe(1);
  });

  it('opens a request for a stranger as for a customer', async () => {
    const answers = await Promise.all(
      Object.values(people).map((email) => {
        const subject = { identifiers: [byEmail(email)] };
        return lethe.post(
          '/v1/requests',
          { type: 'access', regimes: ['eu-gdpr'], subject, channel: 'form' },
          { key: coarse },
        );
      }),
    );
    expect(new Set(answers.map(shape)).size).toBe(1);
    expect(answers[0]!.status).toBe(201);
  });
});

describe('a secret', () => {
  it('is compared in constant time: only digests of one length meet, and never by ===', () => {
    const hash = hashSecret('a'.repeat(64));
    expect(secretMatches('a'.repeat(64), hash)).toBe(true);
    for (const wrong of ['', 'a', 'b'.repeat(64), 'a'.repeat(63), 'a'.repeat(65)])
      expect(secretMatches(wrong, hash)).toBe(false);
    const found = sources('libs').flatMap((path) =>
      readFileSync(path, 'utf8')
        .split('\n')
        .flatMap((line, at) =>
          comparesSecret(line) && !allowed.some(([file, words]) => path === file && line.includes(words))
            ? [`${path}:${at + 1} ${line.trim()}`]
            : [],
        ),
    );
    expect(found).toEqual([]);
    // Control: the pattern sees what it is for.
    expect(comparesSecret(`if (parts.length === 2 && tag === this.tag(tenant, text)) return parts;`)).toBe(true);
    expect(comparesSecret('return secret !== known.secret;')).toBe(true);
  });
});

/** What looks like one and is none. */
const allowed: readonly (readonly [string, string])[] = [
  // The name of a use of a key.
  ['libs/platform/src/keys/file-keys.ts', 'mac === use'],
  // Rows that the database found by this very hash; the caller holds the identifier.
  ['libs/subjects/src/suppression/suppressions.ts', 'row.mac.equals'],
  // A seal over rows of the database, asked at the start: nobody sends one.
  ['libs/subjects/src/suppression/suppression-seal.ts', 'seal.mac.equals'],
];

/** A secret, a tag or a signature on either side of an equality that stops at the first difference. */
function comparesSecret(line: string): boolean {
  if (/\b(secret|tag|signature|mac)\.length\b/.test(line)) return false;
  return /\b(secret|tag|signature|mac)\b(\.\w+)?\s*[!=]==?\s*(?!undefined|null|'')\w|[!=]==\s*(\w+\.)*(secret|tag|signature|mac)\b|\b(secret|tag|signature|mac)\.equals\(/.test(
    line,
  );
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : sources(path);
    return /(?<!\.spec|\.d)\.ts$/.test(entry.name) ? [path] : [];
  });
}
