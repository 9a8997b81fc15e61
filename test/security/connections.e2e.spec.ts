/** Who opens connections and sends nothing, or guesses behind the same proxy, keeps nobody else out. */
import { Agent, request, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startServer, type RunningServer } from '../../apps/server/src/server.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

const MOST = 40;
const PER_MINUTE = 5;

let lethe: TestServer;
beforeAll(async () => {
  lethe = await startTestServer();
});
afterAll(() => lethe.close());

describe('a flood of connections', () => {
  let bounded: RunningServer;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    const roles = { LETHE_ROLES: ['api' as const], PORT: 0, LETHE_ADMIN_PORT: 0, LETHE_MAX_CONNECTIONS: MOST };
    bounded = await startServer({ ...lethe.server.parts.config, ...roles }, { clock: lethe.clock });
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  afterAll(() => bounded.close());

  /** Connections that are there once `count` were opened; `first` is written to each. */
  async function flood(count: number, first = ''): Promise<{ open: () => number }> {
    const { hostname, port } = new URL(bounded.baseUrl);
    const closed = new Set<Socket>();
    const opened = Array.from({ length: count }, () => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined).on('close', () => closed.add(socket));
      socket.resume();
      if (first) socket.write(first);
      sockets.push(socket);
      return socket;
    });
    await sleep(500);
    return { open: () => opened.length - closed.size };
  }

  function whoami(agent: Agent): Promise<number> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${lethe.tenant.keys.officer}` };
      request(`${bounded.baseUrl}/v1/whoami`, { agent, headers }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
      })
        .on('error', reject)
        .end();
    });
  }
  const whoamiAnew = (): Promise<number> => whoami(new Agent({ keepAlive: false })).catch(() => 0);

  it('that say nothing is cut at the bound, and the silent ones end', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await whoami(agent)).toBe(200);
    const silent = await flood(5 * MOST);
    expect(silent.open()).toBeLessThanOrEqual(MOST);
    const dropped = await fetch(`http://127.0.0.1:${bounded.adminPort}/metrics`).then((answer) => answer.text());
    expect(Number(/^lethe_http_connections_dropped_total (\d+)$/m.exec(dropped)?.[1])).toBeGreaterThanOrEqual(4 * MOST);
    expect(Number(/^lethe_http_connections (\d+)$/m.exec(dropped)?.[1])).toBeLessThanOrEqual(MOST);
    await until('the silent ones are ended', async () => (await whoamiAnew()) === 200, 20_000);
    agent.destroy();
  });

  it('that ask and never read the answer are ended, too', async () => {
    const server = bounded.app.getHttpServer() as Server;
    // Longer than any call may take, and not for ever; the test does not wait for it.
    expect(server.timeout).toBeGreaterThan(120_000);
    expect(server.timeout).toBeLessThan(301_000);
    const usual = server.timeout;
    server.timeout = 1_000;
    const { hostname, port } = new URL(bounded.baseUrl);
    const deaf = connect(Number(port), hostname).on('error', () => undefined);
    sockets.push(deaf);
    deaf.pause();
    // More than the buffers of both ends hold: the last answers cannot leave.
    deaf.write('GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(200));
    const connections = promisify(server.getConnections.bind(server));
    await until('the deaf one is there', async () => (await connections()) > 0, 5_000);
    await until('the deaf one is ended', async () => (await connections()) === 0, 10_000);
    server.timeout = usual;
  });

  it('that were answered once and stay idle make room for a new one within a second or two', async () => {
    const idle = await flood(MOST, 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(idle.open()).toBeGreaterThan(MOST / 2);
    await until('a new one is served', async () => (await whoamiAnew()) === 200, 3_000);
  });
});

describe('guesses through a proxy', () => {
  let server: RunningServer;
  afterEach(() => server.close());

  async function open(proxies: string[]): Promise<(from: string) => Promise<number>> {
    const roles = { LETHE_ROLES: ['api' as const], PORT: 0, LETHE_TRUSTED_PROXIES: proxies };
    server = await startServer(
      { ...lethe.server.parts.config, ...roles },
      { clock: lethe.clock, callsPerMinute: PER_MINUTE },
    );
    return async (from) => {
      const headers = { authorization: 'Bearer guess', 'x-forwarded-for': from };
      return (await fetch(`${server.baseUrl}/v1/whoami`, { headers })).status;
    };
  }

  it('count for the guesser, by the address that the trusted proxy names', async () => {
    const guess = await open(['127.0.0.1', '::1']);
    for (let at = 0; at < PER_MINUTE; at++) expect(await guess('203.0.113.1')).toBe(401);
    // What the guesser writes before it is nobody's word.
    expect(await guess('198.51.100.7, 203.0.113.1')).toBe(429);
    expect(await guess('203.0.113.2')).toBe(401);
  });

  it('(control) a header that nobody vouches for names nobody', async () => {
    const guess = await open([]);
    for (let at = 0; at < PER_MINUTE; at++) await guess(`203.0.113.${at}`);
    expect(await guess('203.0.113.99')).toBe(429);
  });
});
