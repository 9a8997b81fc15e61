/** Acceptance 8: plugins come and go while the service is called and an erasure runs; nobody notices. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectPlugin } from '../support/connect-plugin.js';
import { approvedErasure, byEmail, closed, requestWhen } from '../support/connected-systems.js';
import { LoadDriver, quantile, type Phase } from '../support/load-driver.js';
import { installLife, lifeOf, plantLife } from '../support/planted-life.js';
import { openMailing, type Mailing } from '../support/planted-plugins.js';
import { ServiceProcess } from '../support/service-process.js';
import { until } from '../support/until.js';

const FULL = process.env['LETHE_TEST_FULL'] === '1';
const LONG = process.env['LETHE_TEST_LONG'] === '1';
const [BLOCKS, CYCLES, CALM_MS] = FULL ? [25, 20, 8_000] : LONG ? [4, 10, 2_000] : [1, 3, 500];
const WARM_MS = FULL ? 15_000 : LONG ? 2_000 : 500;
/** From the start of a cycle to the next at least, in the full form; the other forms and its last blocks are back to back. */
const PACE_MS = FULL ? 3_000 : 0;
/** Blocks without a pace after those with one, in the full form. */
const HASTY = 3;
/** Calls a second; in the short form few enough for a machine that tests other things beside it. */
const RATE = LONG || FULL ? 200 : 50;
const MOST_RATIO = 1.2;
/** Pauses of the whole service: long enough for every hundredth call to be in it, and for a machine that is not calm itself. */
const PAUSES = [500, 1_500, 5_000];

let service: ServiceProcess;
let steady: Mailing;
let coming: Mailing;
let temporary: string;
const hashes = new Set<string>();
const admin = { as: 'admin' } as const;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'lethe-life-'));
  await chmod(temporary, 0o755);
  service = await ServiceProcess.prepare();
  await service.start({ TMPDIR: temporary });
  await service.put('/v1/purposes/news', { name: 'News', legalBasis: 'consent', model: 'opt-in' });
  await service.post('/v1/notices', { id: 'n', version: '1', language: 'en', text: 'News.', purposes: ['news'] });
  [steady, coming] = await Promise.all([openMailing(), openMailing()]);
  steady.connectionId = await connectPlugin(service, {
    ...{ plugin: plantLife(service, '1.0.0', 'steady'), name: 'steady', config: { url: steady.url } },
    secrets: { token: steady.token },
  });
}, 240_000);
afterAll(async () => {
  await service.close();
  await Promise.all([steady.close(), coming.close()]);
  await rm(temporary, { recursive: true, force: true });
});

/** The API as a client that repeats under the same key what was refused for load. */
const patient: Pick<ServiceProcess, 'get' | 'post' | 'dataDir'> = {
  get dataDir() {
    return service.dataDir;
  },
  get: (path, call) => service.get(path, call),
  post: async (path, body, call) => {
    const headers = { 'idempotency-key': randomBytes(12).toString('hex') };
    for (;;) {
      const answer = await service.post(path, body, { ...call, headers });
      if (answer.status !== 503) return answer;
      await sleep(500);
    }
  },
};

const status = async (call: Promise<{ status: number; body: { contentHash?: string } }>): Promise<number> =>
  (await call).status;

/** Install, connect, upgrade, roll back, remove: nothing of it is left. */
async function cycle(n: number): Promise<void> {
  const plugin = await installLife(patient, '1.0.0', 'coming');
  await installLife(patient, '2.0.0', 'coming');
  for (const { contentHash } of (await patient.get('/v1/admin/plugins', admin)).body.items) hashes.add(contentHash);
  const identity = { name: `coming ${n}`, legalEntity: 'Test shop GmbH', country: 'DE' };
  const wanted = { ...identity, plugin, config: { url: coming.url }, secrets: { token: coming.token } };
  const { body } = await patient.post('/v1/admin/connections', wanted, admin);
  const life = lifeOf(patient, body.id);
  expect((await life.check()).body.ok).toBe(true);
  expect(await status(life.enable())).toBe(200);
  expect((await life.upgrade({ version: '2.0.0' })).body).toMatchObject({ version: '2.0.0', status: 'enabled' });
  expect((await life.rollback()).body).toMatchObject({ version: '1.0.0', status: 'enabled' });
  expect((await life.remove({ reason: 'End of the cycle.' })).body).toMatchObject({ status: 'removed' });
  for (const version of ['1.0.0', '2.0.0']) {
    const removed = await patient.post('/v1/admin/plugins/coming/remove', { version, reason: 'End.' }, admin);
    expect(removed.body).toMatchObject({ version, filesRemoved: true });
  }
}

/** A block of cycles beside an erasure that is at work from before the first to after the last. */
async function block(number: number, paceMs: number): Promise<number> {
  const email = `life${number}@example.test`;
  steady.rows.set(`b${number}`, email);
  steady.held = true;
  const id = await approvedErasure(service, [byEmail(email)]);
  await requestWhen(service, id, (one) => one.status === 'acting');
  const began = performance.now();
  for (let n = 0; n < CYCLES; n++) {
    const next = performance.now() + paceMs;
    await cycle(number * CYCLES + n);
    await sleep(Math.max(0, next - performance.now()));
  }
  const took = (performance.now() - began) / CYCLES;
  expect((await service.get(`/v1/requests/${id}`)).body.status).toBe('acting');
  steady.held = false;
  expect((await closed(service, id, 120_000)).resolution).toBe('fulfilled-with-retention');
  expect(steady.rows.has(`b${number}`)).toBe(false);
  return took;
}

/** Processes that run a plugin of a cycle. */
function orphans(): string[] {
  return readdirSync('/proc').filter((pid) => {
    const file = `/proc/${pid}/cmdline`;
    if (!/^\d+$/.test(pid) || !existsSync(file)) return false;
    try {
      const words = readFileSync(file, 'utf8');
      return words.includes(temporary) && !words.includes(steadyHash()) && words.includes('runner');
    } catch {
      return false;
    }
  });
}

let known = '';
function steadyHash(): string {
  known ||= readdirSync(join(service.dataDir, 'plugins', 'steady'))[0]!.replace(/^1\.0\.0-/, '');
  return known;
}

/** What asks for the cycles is elsewhere in earnest: it leaves the processors to what is measured, where it may. */
function yieldToMeasured(policy: '-i' | '-o'): void {
  if (FULL && process.getuid?.() === 0) spawnSync('chrt', ['-a', policy, '-p', '0', String(process.pid)]);
}

interface Comparison {
  /** Median over the blocks of busy p99 by the p99 of the calm phase right before it: noise of the machine cancels. */
  ratio: number;
  failed: Record<string, number>;
  repeated: number;
  text: string;
}

/** Every busy phase beside the calm one before it. */
function compared(phases: Record<string, Phase>, which = ''): Comparison {
  const all = (kind: string): Phase[] =>
    Object.keys(phases).flatMap((name) => (name.startsWith(which + kind) ? phases[name]! : []));
  const calm = all('calm');
  const busy = all('busy');
  const p99 = ({ ms }: Phase): number => quantile(ms, 0.99);
  const ratios = busy.map((one, n) => p99(one) / p99(calm[n]!));
  const failed: Record<string, number> = {};
  for (const one of Object.values(phases))
    for (const [outcome, times] of Object.entries(one.failed)) failed[outcome] = (failed[outcome] ?? 0) + times;
  const ratio = quantile(ratios, 0.5);
  const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  const text = `calm ${figures(calm)}; busy ${figures(busy)}; p99 ratio ${ratio.toFixed(2)} (median of ${ratios.length}, ${spread})`;
  return { ratio, failed, repeated: repeats([...calm, ...busy]), text };
}

const repeats = (phases: readonly Phase[]): number => phases.reduce((sum, one) => sum + one.repeated, 0);

function figures(phases: readonly Phase[]): string {
  const ms = phases.flatMap((one) => one.ms);
  const [p50, p99] = [quantile(ms, 0.5), quantile(ms, 0.99)];
  return `${ms.length} calls (${repeats(phases)} repeated), p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, most ${quantile(ms, 1).toFixed(0)} ms`;
}

describe(`${BLOCKS * CYCLES} lives of a plugin beside ${RATE} calls a second and an erasure`, () => {
  it('fail no call, leave no process and no folder, and cost the callers nothing', async () => {
    let msPerCycle = 0;
    const callers = { baseUrl: service.baseUrl, key: service.keys.system, rate: RATE, elsewhere: FULL };
    const load = LoadDriver.start(callers);
    yieldToMeasured('-i');
    await sleep(WARM_MS);
    for (let number = 0; number < BLOCKS; number++) {
      load.phase(`calm ${number}`);
      await sleep(CALM_MS);
      load.phase(`busy ${number}`);
      const took = await block(number, PACE_MS);
      msPerCycle += took / BLOCKS;
      if (FULL) process.stderr.write(`block ${number + 1} of ${BLOCKS}: ${took.toFixed(0)} ms a cycle\n`);
    }
    // What the pace is worth: the same without it, told and not asserted.
    for (let number = BLOCKS; FULL && number < BLOCKS + HASTY; number++) {
      load.phase(`hasty calm ${number}`);
      await sleep(CALM_MS);
      load.phase(`hasty busy ${number}`);
      await block(number, 0);
    }
    const phases = await load.report();
    yieldToMeasured('-o');
    const seen = compared(phases);
    process.stdout.write(`${BLOCKS * CYCLES} cycles of ${msPerCycle.toFixed(0)} ms: ${seen.text}\n`);
    if (FULL) process.stdout.write(`${HASTY * CYCLES} more, back to back: ${compared(phases, 'hasty ').text}\n`);
    expect(seen.failed).toEqual({});
    // A machine that tests other things beside may refuse for load; one that is ours does not.
    if (FULL) expect(seen.repeated).toBe(0);
    // A process ends after its last call; it is not waited for by the call that took its plugin away.
    await until('no plugin of a cycle', () => orphans().length === 0, 30_000);
    expect(readdirSync(join(service.dataDir, 'plugins')).sort()).toEqual(['incoming', 'steady']);
    const [home] = readdirSync(temporary).filter((name) => name.startsWith('lethe-plugins-'));
    const left = readdirSync(join(temporary, home!)).filter((name) => !name.startsWith('run-'));
    expect(left.sort()).toEqual(['runner', steadyHash()].sort());
    if (FULL) expect(seen.ratio).toBeLessThan(MOST_RATIO);
  }, 2_700_000);

  it('would be noticed if they held up the service: the same measure of a planted pause (control)', async () => {
    let ratio = 0;
    for (const pauseMs of PAUSES) {
      if (ratio > MOST_RATIO) break;
      const load = LoadDriver.start({ baseUrl: service.baseUrl, key: service.keys.system, rate: RATE });
      await sleep(WARM_MS);
      load.phase('calm');
      await sleep(1_500);
      load.phase('busy');
      await sleep(200);
      process.kill(service.pid, 'SIGSTOP');
      await sleep(pauseMs);
      process.kill(service.pid, 'SIGCONT');
      await sleep(500);
      const seen = compared(await load.report());
      ({ ratio } = seen);
      process.stdout.write(`control: ${seen.text}\n`);
    }
    expect(ratio).toBeGreaterThan(MOST_RATIO);
  }, 240_000);
});
