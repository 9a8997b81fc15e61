/** Acceptance 11: replicas are replaced one after the other under constant calls, and no call is lost. */
import { Agent, request, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  buildCommit,
  noCommit,
  startBuild,
  thisBuild,
  type BuildProcess,
  type OtherBuild,
} from '../support/build-process.js';
import { aboutDataSet, restoreDataSet, type RestoredDataSet } from '../support/data-set.js';
import { isSkipped } from '../support/may-skip.js';
import { openSwitch, type TcpSwitch } from '../support/tcp-switch.js';
import { until } from '../support/until.js';

const { commit } = await aboutDataSet();
const upgrades =
  process.env['LETHE_TEST_LONG'] === '1' && !isSkipped('the upgrade from the build before', await noCommit(commit));
const CALLERS = 8;
/** Calls between two steps: a step is taken under load, however slow the machine is. */
const CALM_CALLS = 64;
const PATIENCE_MS = 120_000;

interface Load {
  calls: number;
  lost: string[];
  /** Positions that were acknowledged. */
  positions: number[];
  /** Resolves after some more calls. */
  goesOn(): Promise<void>;
  end(): Promise<void>;
}

let data: RestoredDataSet;
let before: OtherBuild | undefined;
let balancer: TcpSwitch;
const running: BuildProcess[] = [];
const loads: Load[] = [];

interface Answer {
  status: number;
  body: { position?: number; decision?: string; code?: string };
}

function call(agent: Agent, path: string, body: unknown): Promise<Answer> {
  const headers = {
    ...{ authorization: `Bearer ${data.keys.system}`, 'content-type': 'application/json' },
    'idempotency-key': `rolling-${Math.random()}-${performance.now()}`,
  };
  return new Promise((resolve, reject) => {
    const sent = request(balancer.baseUrl + path, { method: 'POST', agent, headers }, (answer: IncomingMessage) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text || '{}') as Answer['body'] }),
      );
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

/** Withdrawals, consents and checks without pause, each caller on a connection that it keeps (or not). */
function startLoad(keepAlive: boolean): Load {
  let going = true;
  const load: Load = {
    ...{ calls: 0, lost: [], positions: [] },
    goesOn: async () => {
      const wanted = load.calls + CALM_CALLS;
      await until(`${wanted} calls`, () => load.calls + load.lost.length >= wanted, PATIENCE_MS);
    },
    end: async () => {
      going = false;
      await Promise.all(callers);
    },
  };
  const caller = async (n: number): Promise<void> => {
    const agent = new Agent({ keepAlive, maxSockets: 1 });
    const subject = { identifiers: [{ type: 'email', value: `rolling-${n}@example.test` }] };
    for (let turn = 0; going; turn += 1) {
      const decision = turn % 2 === 0 ? 'given' : 'withdrawn';
      const record = {
        ...{ subject, decisions: [{ purpose: 'newsletter', decision }], notice: { id: 'signup', version: '1' } },
        ...{ method: 'web-form', collectedAt: new Date().toISOString(), evidence: {} },
      };
      try {
        const recorded = await call(agent, '/v1/consents', record);
        if (recorded.status !== 201) load.lost.push(`record ${recorded.status} ${recorded.body.code ?? ''}`);
        else load.positions.push(recorded.body.position ?? -1);
        const checked = await call(agent, '/v1/consents/check', { subject, purpose: 'newsletter' });
        if (checked.status !== 200) load.lost.push(`check ${checked.status} ${checked.body.code ?? ''}`);
        load.calls += 2;
      } catch (error) {
        load.lost.push((error as NodeJS.ErrnoException).code ?? String(error));
        // Nobody to call must not keep this process from everything else.
        await sleep(20);
      }
    }
    agent.destroy();
  };
  const callers = Array.from({ length: CALLERS }, (_, n) => caller(n));
  loads.push(load);
  return load;
}

async function start(main: string): Promise<BuildProcess> {
  // This balancer looks all the time; the build before does not know the setting.
  const least = main === thisBuild ? { LETHE_DRAIN_LEAST_SECONDS: '0.5' } : {};
  const replica = await startBuild(main, { ...data.environment, ...least });
  running.push(replica);
  balancer.replicas.add(replica.port);
  return replica;
}

/** All of them, not the first: callers keep their connections, and must be spread before the load begins. */
async function untilReady(): Promise<void> {
  await until('all replicas', () => balancer.ready.size === balancer.replicas.size, PATIENCE_MS);
}

async function endAll(): Promise<void> {
  for (const replica of running.splice(0)) await replica.end('SIGTERM');
  await balancer.close();
}

/** Every acknowledged position is a leaf of the log, once. */
async function expectKept({ positions }: Load): Promise<void> {
  expect(new Set(positions).size).toBe(positions.length);
  const { rows } = await data.ledger.superuser.query<{ n: string }>(
    `SELECT count(*) AS n FROM event WHERE position = ANY($1) AND type = 'ConsentRecorded.v1'`,
    [positions],
  );
  expect(Number(rows[0]?.n)).toBe(positions.length);
}

beforeAll(async () => {
  data = await restoreDataSet();
  await data.ledger.superuser.query('DELETE FROM installation_mark');
  if (upgrades) before = await buildCommit(commit);
}, 400_000);

afterAll(async () => {
  // A test that failed has not ended its own.
  for (const load of loads) await load.end();
  for (const replica of running) await replica.end('SIGKILL');
  await balancer.close();
  await data.remove();
  await before?.remove();
});

describe('replicas replaced one after the other', () => {
  it('lose no call: each says not ready, answers what it has, and goes', async () => {
    balancer = await openSwitch();
    const old = await Promise.all([start(thisBuild), start(thisBuild)]);
    await untilReady();
    const drains: number[] = [];
    const load = startLoad(true);
    await load.goesOn();
    for (const replica of old) {
      await start(thisBuild);
      await untilReady();
      await load.goesOn();
      const began = performance.now();
      expect(await replica.end('SIGTERM')).toBe(0);
      drains.push(performance.now() - began);
      balancer.replicas.delete(replica.port);
      await load.goesOn();
    }
    await load.end();
    process.stderr.write(
      `      rolling N -> N: ${load.calls} calls, ${load.lost.length} lost, drained in ${drains.map((ms) => Math.round(ms)).join(' and ')} ms\n`,
    );
    expect(load.lost).toEqual([]);
    expect(load.calls).toBeGreaterThan(100);
    await expectKept(load);
    await endAll();
  }, 600_000);

  it('lose calls when a replica is killed instead (control)', async () => {
    balancer = await openSwitch();
    const [victim] = await Promise.all([start(thisBuild), start(thisBuild)]);
    await untilReady();
    const load = startLoad(true);
    await load.goesOn();
    // Stopped for a moment first: then each caller it has is waiting for an answer. (Others may wait for its locks.)
    process.kill(victim!.pid, 'SIGSTOP');
    await sleep(300);
    await victim!.end('SIGKILL');
    await load.goesOn();
    await load.end();
    expect(load.lost.length).toBeGreaterThan(0);
    // Not answered, perhaps; acknowledged and gone, never.
    await expectKept(load);
    await endAll();
  }, 600_000);
});

(upgrades ? describe : describe.skip)('an upgrade from the build before', () => {
  it('loses no call, and neither build stumbles over what the other has written', async () => {
    balancer = await openSwitch();
    // The schema first: the build before runs on it.
    const old = await Promise.all([start(before!.main), start(before!.main)]);
    await untilReady();
    const load = startLoad(false);
    await load.goesOn();
    for (const replica of old) {
      await start(thisBuild);
      await untilReady();
      await load.goesOn();
      // That build has no draining yet: the balancer lets go of it first.
      await balancer.release(replica.port);
      expect(await replica.end('SIGTERM')).toBe(0);
    }
    await load.goesOn();
    await load.end();
    process.stderr.write(`      rolling N-1 -> N: ${load.calls} calls, ${load.lost.length} lost\n`);
    expect(load.lost).toEqual([]);
    await expectKept(load);
    await endAll();
    expect(await data.lethe('rebuild')).toBe(0);
  }, 600_000);
});
