/** Acceptance 11: how long after its acknowledgement a withdrawal on one replica is denied on the other, without its token, under full append. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startBuild, thisBuild, type BuildProcess } from '../support/build-process.js';
import { byEmail } from '../support/connected-systems.js';
import { ServiceProcess } from '../support/service-process.js';

const FULL = process.env['LETHE_TEST_FULL'] === '1';
const LONG = FULL || process.env['LETHE_TEST_LONG'] === '1';
const PEOPLE = LONG ? 300 : 40;
const APPENDERS = 32;
/** Milliseconds; asserted where the machine is ours alone. */
const GOAL_P99 = 150;
const PATIENCE_MS = 10_000;

let service: ServiceProcess;
let replicas: [BuildProcess, BuildProcess];

async function post(base: string, path: string, body: object): Promise<{ decision: string; token: string }> {
  const headers = {
    ...{ authorization: `Bearer ${service.apiKeys.system}`, 'content-type': 'application/json' },
    'idempotency-key': `spread-${Math.random()}`,
  };
  const answer = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as { decision: string; token: string };
}

const subjectOf = (name: string): object => ({ identifiers: [byEmail(`${name}@example.test`)] });

function decide(base: string, name: string, decision: string): Promise<{ token: string }> {
  return post(base, '/v1/consents', {
    ...{ subject: subjectOf(name), decisions: [{ purpose: 'newsletter', decision }] },
    ...{ notice: { id: 'signup', version: '1' }, method: 'web-form', evidence: {} },
    collectedAt: new Date().toISOString(),
  });
}

const check = (base: string, name: string, more: object = {}): Promise<{ decision: string }> =>
  post(base, '/v1/consents/check', { subject: subjectOf(name), purpose: 'newsletter', ...more });

/** Consents here, and asks there until the permission is kept there: a replica that holds nothing cannot be late. */
async function permitted(name: string, from: string, to: string): Promise<void> {
  await decide(from, name, 'given');
  for (let answers = 0; answers < 2;) if ((await check(to, name)).decision === 'permit') answers += 1;
}

/** Milliseconds from the acknowledgement of a withdrawal on one replica until the other denies, asked without a token. */
async function spread(name: string, from: string, to: string): Promise<number> {
  await permitted(name, from, to);
  await decide(from, name, 'withdrawn');
  const acknowledged = performance.now();
  while ((await check(to, name)).decision !== 'deny')
    if (performance.now() - acknowledged > PATIENCE_MS) throw new Error('the other replica still permits');
  return performance.now() - acknowledged;
}

/** What the other replica says at once to who brings the token of the withdrawal. */
async function withToken(name: string, from: string, to: string): Promise<string> {
  await permitted(name, from, to);
  const { token } = await decide(from, name, 'withdrawn');
  return (await check(to, name, { atLeast: token })).decision;
}

beforeAll(async () => {
  service = await ServiceProcess.prepare();
  const { commandEnvironment: all } = service;
  const { LETHE_MIGRATION_URL: _, LETHE_KEYSTORE_MIGRATION_URL: __, ...environment } = all;
  const first = await startBuild(thisBuild, environment);
  replicas = [first, await startBuild(thisBuild, environment)];
  const admin = { authorization: `Bearer ${service.apiKeys.admin}`, 'content-type': 'application/json' };
  const put = (path: string, method: string, body: object): Promise<Response> =>
    fetch(first.baseUrl + path, { method, headers: { ...admin, 'idempotency-key': path }, body: JSON.stringify(body) });
  await put('/v1/purposes/newsletter', 'PUT', { name: 'N', legalBasis: 'consent', model: 'opt-in' });
  const notice = { id: 'signup', version: '1', language: 'en', text: 'News.', purposes: ['newsletter'] };
  expect((await put('/v1/notices', 'POST', notice)).status).toBe(201);
}, 120_000);

afterAll(async () => {
  for (const replica of replicas ?? []) await replica.end('SIGTERM');
  await service.close();
});

describe('a withdrawal on one replica', () => {
  it('is denied on the other: at once with its token, and soon without it', async () => {
    const [one, other] = replicas.map(({ baseUrl }) => baseUrl) as [string, string];
    let loading = true;
    let appended = 0;
    const appender = async (n: number): Promise<void> => {
      for (let turn = 0; loading; turn += 1, appended += 1)
        await decide(turn % 2 ? one : other, `load-${n}-${turn % 50}`, 'given');
    };
    const load = Array.from({ length: APPENDERS }, (_, n) => appender(n));
    const began = performance.now();
    const took: number[] = [];
    const told: string[] = [];
    for (let person = 0; person < PEOPLE; person += 1) {
      const [from, to] = person % 2 ? [one, other] : [other, one];
      took.push(await spread(`person-${person}`, from, to));
      if (person % 4 === 0) told.push(await withToken(`token-${person}`, from, to));
    }
    const perSecond = Math.round(appended / ((performance.now() - began) / 1000));
    loading = false;
    await Promise.all(load);
    took.sort((a, b) => a - b);
    const at = (share: number): number => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0;
    process.stderr.write(
      `      ${PEOPLE} withdrawals beside ${perSecond} appends a second: denied on the other after p50 ${at(0.5).toFixed(0)}, p99 ${at(0.99).toFixed(0)}, most ${at(1).toFixed(0)} ms\n`,
    );
    expect(new Set(told)).toEqual(new Set(['deny']));
    // On a machine that tests other things beside, this only tells a replica that hears from one that does not.
    expect(at(0.99)).toBeLessThan(FULL ? GOAL_P99 : PATIENCE_MS);
  }, 240_000);
});
