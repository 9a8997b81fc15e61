/** Two tenants at once over shared connections, of HTTP and of PostgreSQL: nobody is answered for the other. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import type { TenantId } from '#kernel';
import { bootstrapTenant, type BootstrappedTenant } from '../../apps/server/src/bootstrap-tenant.js';
import { startTestServer, type TestServer } from '../support/test-server.js';

const SOCKETS = 16;
const PIPELINED = 16;
const ROUNDS = process.env['LETHE_TEST_LONG'] === '1' ? 40 : 3;

/** One tenant's part: everything it is told bears its mark. */
interface Side {
  mark: string;
  tenant: TenantId;
  keys: BootstrappedTenant['keys'];
  subjectId: string;
}

let lethe: TestServer;
let sides: [Side, Side];

const person = { identifiers: [{ type: 'email', value: 'same@example.test' }] };

beforeAll(async () => {
  lethe = await startTestServer();
  const other = await bootstrapTenant(lethe.server.app, { name: 'borealis', mode: 'test' });
  sides = [
    { mark: 'aurora', tenant: lethe.tenant.tenant.id, keys: lethe.tenant.keys, subjectId: '' },
    { mark: 'borealis', tenant: other.tenant.id, keys: other.keys, subjectId: '' },
  ];
  for (const side of sides) side.subjectId = await fill(side);
});
afterAll(() => lethe.close());

async function fill({ mark, keys }: Side): Promise<string> {
  const define = { name: mark, legalBasis: 'consent', model: 'opt-in' };
  await lethe.put('/v1/purposes/insight', define, { key: keys.admin });
  const notice = { id: 'n', version: '1', language: 'en', text: mark, purposes: ['insight'] };
  expect((await lethe.post('/v1/notices', notice, { key: keys.officer })).status).toBe(201);
  const { status, body } = await lethe.post('/v1/consents', decision(mark), { key: keys.system });
  expect(status).toBe(201);
  return body.subjectId;
}

const decision = (mark: string): object => ({
  ...{ subject: person, decisions: [{ purpose: 'insight', decision: mark === 'aurora' ? 'given' : 'withdrawn' }] },
  ...{
    notice: { id: 'n', version: '1' },
    method: mark,
    collectedAt: lethe.clock.now().toISOString(),
    evidence: { mark },
  },
});

interface Asked {
  side: Side;
  method: string;
  path: string;
  body?: object;
  key: string;
  /** What an answer to the right tenant says. */
  isOurs(body: Record<string, never>): boolean;
}

/** The same five questions for both tenants; only the answers differ. */
function asked(number: number): Asked {
  const side = sides[number % 2]!;
  const { keys, mark, subjectId, tenant } = side;
  const ours = (test: (body: never) => boolean) => test as (body: Record<string, never>) => boolean;
  const kinds: Omit<Asked, 'side'>[] = [
    {
      method: 'GET',
      path: '/v1/whoami',
      key: keys.officer,
      isOurs: ours((one: { tenant: { id: string } }) => one.tenant.id === tenant),
    },
    {
      method: 'GET',
      path: '/v1/purposes',
      key: keys.officer,
      isOurs: ours((one: { items: { name: string }[] }) => one.items.length === 1 && one.items[0]!.name === mark),
    },
    {
      ...{
        method: 'POST',
        path: '/v1/consents/check',
        key: keys.officer,
        body: { subject: person, purpose: 'insight' },
      },
      isOurs: ours((one: { decision: string }) => one.decision === (mark === 'aurora' ? 'permit' : 'deny')),
    },
    {
      ...{ method: 'POST', path: '/v1/consents', key: keys.system, body: decision(mark) },
      isOurs: ours((one: { subjectId: string }) => one.subjectId === subjectId),
    },
    {
      ...{ method: 'POST', path: '/v1/subjects/lookup', key: keys.officer, body: person },
      isOurs: ours(
        (one: { items: { subjectId: string }[] }) => one.items.length === 1 && one.items[0]!.subjectId === subjectId,
      ),
    },
  ];
  return { side, ...kinds[(number >> 1) % kinds.length]! };
}

function wire({ method, path, body, key }: Asked, number: number): string {
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = [
    `${method} ${path} HTTP/1.1`,
    'host: lethe',
    `authorization: Bearer ${key}`,
    `idempotency-key: pipelined-${number}`,
    ...(body === undefined ? [] : ['content-type: application/json', `content-length: ${Buffer.byteLength(text)}`]),
  ];
  return `${headers.join('\r\n')}\r\n\r\n${text}`;
}

/** Sends all at once on one connection, reads the answers in the order of the questions. */
async function pipelined(socket: Socket, all: { asked: Asked; number: number }[]): Promise<string[]> {
  const answers = readAnswers(socket, all.length);
  socket.write(all.map(({ asked: one, number }) => wire(one, number)).join(''));
  const texts = await answers;
  return texts.flatMap(({ status, body }, at) => {
    const { asked: one } = all[at]!;
    const right = status < 300 && one.isOurs(JSON.parse(body) as Record<string, never>);
    return right ? [] : [`${one.side.mark} ${one.path}: ${status} ${body.slice(0, 120)}`];
  });
}

function readAnswers(socket: Socket, wanted: number): Promise<{ status: number; body: string }[]> {
  return new Promise((resolve, reject) => {
    const answers: { status: number; body: string }[] = [];
    let buffer = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      buffer = Buffer.concat([buffer, chunk]);
      for (;;) {
        const end = buffer.indexOf('\r\n\r\n');
        const head = buffer.subarray(0, Math.max(0, end)).toString();
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
        if (end < 0 || buffer.length < end + 4 + length) return;
        answers.push({
          status: Number(head.slice(9, 12)),
          body: buffer.subarray(end + 4, end + 4 + length).toString(),
        });
        buffer = buffer.subarray(end + 4 + length);
        if (answers.length < wanted) continue;
        socket.off('data', read);
        resolve(answers);
        return;
      }
    };
    socket.on('data', read);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`closed after ${answers.length} of ${wanted} answers`)));
  });
}

describe('two tenants', () => {
  it('pipelined on one connection, 256 calls at once, are each answered for themselves', async () => {
    const { hostname, port } = new URL(lethe.server.baseUrl);
    const sockets = await Promise.all(
      Array.from({ length: SOCKETS }, async () => {
        const socket = connect(Number(port), hostname);
        await new Promise((resolve) => socket.once('connect', resolve));
        return socket;
      }),
    );
    const crossings: string[] = [];
    let number = 0;
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const found = await Promise.all(
          sockets.map((socket) =>
            pipelined(
              socket,
              Array.from({ length: PIPELINED }, () => ({ asked: asked(number), number: number++ })),
            ),
          ),
        );
        crossings.push(...found.flat());
      }
    } finally {
      for (const socket of sockets) {
        socket.removeAllListeners('close');
        socket.destroy();
      }
    }
    process.stdout.write(
      `crossings: ${number} pipelined calls on ${SOCKETS} connections, ${crossings.length} crossings\n`,
    );
    expect(number).toBe(SOCKETS * PIPELINED * ROUNDS);
    expect(crossings.slice(0, 5)).toEqual([]);
  }, 300_000);

  it('share the pool of the database, 256 units at once, and each sees its own rows only', async () => {
    const { database } = lethe.server.parts;
    const seen = await Promise.all(
      Array.from({ length: 256 }, async (_, number) => {
        const { tenant } = sides[number % 2]!;
        const { rows } = await database.fetch<{ tenant: string }>(tenant, {
          text: 'SELECT DISTINCT tenant::text AS tenant FROM event',
          values: [],
        });
        return rows.length === 1 && rows[0]!.tenant === tenant;
      }),
    );
    expect(seen.filter((right) => !right)).toEqual([]);
  });

  it('(control) that interleave BEGIN and SET LOCAL on one connection would cross, and are caught', async () => {
    const client = new Client({ connectionString: lethe.server.parts.config.DATABASE_URL });
    await client.connect();
    const unit = async (side: Side): Promise<boolean> => {
      await client.query('BEGIN');
      await client.query(`SELECT set_config('lethe.tenant', $1, true)`, [side.tenant]);
      const { rows } = await client.query<{ tenant: string }>('SELECT DISTINCT tenant::text AS tenant FROM event');
      await client.query('COMMIT');
      return rows.length === 1 && rows[0]!.tenant === side.tenant;
    };
    try {
      const right = await Promise.all(Array.from({ length: 8 }, (_, number) => unit(sides[number % 2]!)));
      expect(right.filter((one) => !one).length).toBeGreaterThan(0);
    } finally {
      await client.end();
    }
  });
});
