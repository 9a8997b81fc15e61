/** No input on any route gives a 5xx, unbounded time or memory, an echo of what was sent, or anything half-done. */
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { assertSound } from '../support/ledger-fixture.js';
import type { BootstrappedTenant } from '../../apps/server/src/bootstrap-tenant.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { badCallsOf, operationsOf, type OpenApi, type Operation, type WireCall } from './openapi-inputs.js';
import { controllersOf, mayCall, routesOf } from './route-table.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const CALLS = LONG ? 2000 : 24;
const SEED = Number(process.env['LETHE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const AT_ONCE = 8;
// A call that hangs. How fast calls are is printed and never asserted: the machine may be busy with other suites.
const SLOWEST_MS = 15_000;
const GROWTH_BYTES = 350 * 1024 * 1024;
const canary = 'kanarienvogel-7f3a';

interface Answer {
  status: number;
  type: string;
  text: string;
  ms: number;
}

describe('bad input', () => {
  let lethe: TestServer;
  let document: OpenApi;
  let operations: Operation[];
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const callers = new Map<string, string>();

  beforeAll(async () => {
    lethe = await startTestServer();
    document = (await lethe.get('/openapi.json')).body as OpenApi;
    operations = operationsOf(document);
    await lethe.put(
      '/v1/purposes/newsletter',
      { name: 'News', legalBasis: 'consent', model: 'opt-in' },
      { as: 'admin' },
    );
    const notice = { id: 'signup', version: '1', language: 'en', text: 'News.', purposes: ['newsletter'] };
    expect((await lethe.post('/v1/notices', notice)).status).toBe(201);
    const who: [keyof BootstrappedTenant['keys'], 'admin' | 'privacy-officer' | 'auditor'][] = [
      ['officer', 'privacy-officer'],
      ['admin', 'admin'],
      ['auditor', 'auditor'],
    ];
    for (const route of routesOf(controllersOf(lethe.server.app))) {
      const [name = 'system'] = who.find(([, role]) => mayCall({ role }, route.needs)) ?? [];
      callers.set(route.name, lethe.tenant.keys[name]);
    }
  });
  afterAll(async () => {
    agent.destroy();
    await lethe.close();
  });

  let sent = 0;
  const send = (operation: Operation, call: WireCall): Promise<Answer | undefined> =>
    new Promise((resolve, reject) => {
      const url = new URL(lethe.server.baseUrl);
      const began = performance.now();
      sent += 1;
      const outgoing = request(
        {
          agent,
          host: url.hostname,
          port: url.port,
          method: operation.method,
          path: call.path,
          headers: {
            authorization: `Bearer ${callers.get(operation.operationId)}`,
            'idempotency-key': `fuzz-${sent}`,
            ...call.headers,
          },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.on('end', () =>
            resolve({
              status: incoming.statusCode ?? 0,
              type: incoming.headers['content-type'] ?? '',
              text: Buffer.concat(chunks).toString('utf8'),
              ms: performance.now() - began,
            }),
          );
        },
      );
      // A refusal may end the connection while ten megabytes are still on their way.
      outgoing.on('error', (error: Error & { code?: string }) =>
        ['ECONNRESET', 'EPIPE'].includes(error.code ?? '') ? resolve(undefined) : reject(error),
      );
      outgoing.end(call.body);
    });

  const complaint = ({ status, type, text, ms }: Answer): string | undefined => {
    if (status >= 500) return `${status} ${text}`;
    if (ms > SLOWEST_MS) return `took ${Math.round(ms)} ms`;
    if (status < 400) return undefined;
    if (!type.startsWith('application/problem+json')) return `${status} is no problem document but ${type}`;
    const problem = JSON.parse(text) as { code?: string; status?: number; type?: string };
    if (!/^[a-z][a-z0-9-]+$/.test(problem.code ?? '') || problem.status !== status)
      return `${status} has no stable code: ${text}`;
    return text.includes(canary) ? `${status} echoes what was sent: ${text}` : undefined;
  };

  it(`of ${CALLS} kinds per route is refused as a problem document, seed ${SEED}`, async () => {
    const wrong: string[] = [];
    const codes = new Map<string, number>();
    let slowest = 0;
    let largest = 0;
    const before = process.memoryUsage().rss;
    for (const [at, operation] of operations.entries()) {
      const calls = fc.sample(badCallsOf(document, operation, canary), { numRuns: CALLS, seed: SEED + at });
      for (let first = 0; first < calls.length; first += AT_ONCE) {
        const batch = calls.slice(first, first + AT_ONCE);
        const answers = await Promise.all(batch.map((call) => send(operation, call)));
        answers.forEach((answer, index) => {
          if (!answer) return;
          const code =
            answer.status < 400 ? String(answer.status) : ((/"code":"([^"]+)"/.exec(answer.text) ?? [])[1] ?? '?');
          codes.set(code, (codes.get(code) ?? 0) + 1);
          slowest = Math.max(slowest, answer.ms);
          const said = complaint(answer);
          if (said)
            wrong.push(
              `${operation.operationId}: ${said.slice(0, 200)} <- ${batch[index]!.fault} ${batch[index]!.body?.subarray(0, 300).toString()}`,
            );
        });
      }
      largest = Math.max(largest, process.memoryUsage().rss);
    }
    process.stdout.write(
      `bad input: seed ${SEED}, ${sent} calls, slowest ${Math.round(slowest)} ms, grew ${Math.round((largest - before) / 1048576)} MiB; ${[...codes].map(([code, count]) => `${code} ${count}`).join(', ')}\n`,
    );
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(largest - before).toBeLessThan(GROWTH_BYTES);
    // The generator is worth something only if it gets past the first rule.
    expect(codes.get('body-invalid')).toBeGreaterThan(0);
    expect(codes.size).toBeGreaterThan(8);
  }, 3_600_000);

  it('leaves the ledger sound and every fact with its row', async () => {
    const { superuser, tenant } = lethe;
    const leaves = await assertSound({ superuser }, tenant.tenant.id);
    const countOf = (type: string): number =>
      leaves.filter((leaf) => (JSON.parse(leaf.bytes) as { type: string }).type === type).length;
    const pairs = [
      ['ConsentRecorded.v1', 'consent_record'],
      ['AccessRecorded.v1', "access_entry WHERE source <> 'lethe' AND true"],
      ['SubjectRegistered.v1', 'subject'],
      ['IdentifierAdded.v1', 'subject_identifier'],
      ['MemberAdded.v1', 'member'],
      ['CredentialIssued.v1', 'credential'],
      ['NoticePublished.v1', 'notice'],
    ] as const;
    for (const [type, table] of pairs) {
      const { rows } = await superuser.query<{ rows: number }>(
        `SELECT count(*)::int AS rows FROM ${table} ${table.includes('WHERE') ? 'AND' : 'WHERE'} tenant = $1`,
        [tenant.tenant.id],
      );
      expect([table, rows[0]!.rows]).toEqual([table, countOf(type)]);
    }
  });
});
