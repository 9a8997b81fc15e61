/** Acceptance 6: after an erasure and the end of its epoch, no key that is left opens who it was; and no canary ever got out. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseVkey, verifyTlogProof } from '#ledger';
import { runVerb } from '../../apps/cli/src/run-verb.js';
import { CAROL } from '../support/connected-shop.js';
import {
  approveByTwo,
  byEmail,
  closed,
  connectSystems,
  openProven,
  planOf,
  type Systems,
} from '../support/connected-systems.js';
import { ServiceProcess } from '../support/service-process.js';
import { ciphertextsIn, dataKeys, everyRow, readableWith, secretsIn, wrappedKeys } from '../support/try-keys.js';
import { run } from '../verify/small-log.js';

/** In every value that stands for personal data in this run, and in nothing else. */
const CANARY = `zq${randomBytes(6).toString('hex')}`;
const email = `${CANARY}@example.test`;
const bytesOf = Buffer.from(CANARY).toString('hex');

let service: ServiceProcess;
let systems: Systems;
let adminPort = 0;
const errors: string[] = [];
beforeAll(async () => {
  adminPort = await freePort();
  service = await ServiceProcess.prepare(() => ({ LETHE_LOG_LEVEL: 'debug', LETHE_ADMIN_PORT: String(adminPort) }));
  await service.start();
  systems = await connectSystems(service);
}, 90_000);
afterAll(async () => {
  await service?.close();
  await systems?.close();
}, 30_000);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function lethe(...words: string[]): Promise<{ status: number; out: string }> {
  const out: string[] = [];
  const say = (line: string): void => void out.push(line);
  const environment = { ...service.environment, LETHE_ADMIN_PORT: '' };
  return { status: await runVerb(words, { say, complain: say, environment } as never), out: out.join('\n') };
}

const post = async (path: string, body: unknown, as: 'officer' | 'system' | 'admin' = 'officer') => {
  const answer = await service.post(path, body, { as });
  if (answer.status >= 400) errors.push(JSON.stringify(answer.body));
  return answer;
};

/** A canary in every field of every route of this run that takes personal data or free words. */
async function leaveTraces(): Promise<number> {
  const identifiers = [byEmail(CAROL.email), byEmail(email), { type: 'phone', value: CAROL.phone }];
  expect(
    (await service.put('/v1/purposes/newsletter', { name: 'Newsletter', legalBasis: 'consent', model: 'opt-in' }))
      .status,
  ).toBeLessThan(300);
  const notice = { id: 'footer', version: '1', language: 'en', text: 'We write.', purposes: ['newsletter'] };
  expect((await post('/v1/notices', notice)).status).toBe(201);
  const consent = {
    ...{ subject: { identifiers }, decisions: [{ purpose: 'newsletter', decision: 'given' }] },
    ...{ notice: { id: 'footer', version: '1' }, method: `form ${CANARY}`, evidence: { ip: CANARY, page: CANARY } },
    collectedAt: new Date().toISOString(),
  };
  const recorded = await post('/v1/consents', consent, 'system');
  expect([recorded.status, recorded.body]).toEqual([201, expect.anything()]);
  const entry = {
    ...{ id: 'entry-1', actor: { type: 'staff', id: CANARY }, subject: { identifiers: [byEmail(email)] } },
    ...{ action: 'read', resource: `file ${CANARY}`, fields: [CANARY], purpose: 'newsletter', at: consent.collectedAt },
  };
  const reported = await post('/v1/access-log/entries', { entries: [entry] }, 'system');
  expect([reported.status, reported.body]).toEqual([expect.any(Number), expect.objectContaining({ accepted: 1 })]);
  // What is refused, asked for or searched must leave nothing either.
  const about = { subject: { identifiers: [byEmail(email)] }, purpose: 'newsletter' };
  expect((await post('/v1/consents/check', about, 'system')).body.decision).toBe('permit');
  await post('/v1/consents', { ...consent, [CANARY]: CANARY, method: CANARY.repeat(50) }, 'system');
  await post(
    '/v1/consents/check',
    { subject: { identifiers: [{ type: CANARY, value: CANARY }] }, purpose: CANARY },
    'system',
  );
  await post('/v1/subjects/find', { identifiers: [byEmail(email)] });
  await post('/v1/requests', { type: CANARY, subject: { identifiers: [byEmail(email)] } });
  await post(
    '/v1/suppressions/check',
    { items: [{ identifier: byEmail(email), dataFrom: consent.collectedAt }] },
    'system',
  );
  for (const path of [`/v1/requests/${CANARY}`, `/v1/consents/${CANARY}/receipt`, `/v1/nothing/${CANARY}?q=${CANARY}`])
    errors.push(JSON.stringify((await service.get(path)).body));
  return recorded.body.position;
}

/** Where the canary stands in clear; ciphertext and keyed hashes do not contain it. */
async function hits(): Promise<string[]> {
  const { ledger, keystore } = service.superusers;
  const found: string[] = [];
  const look = (where: string, text: string): void => {
    if (text.toLowerCase().includes(CANARY) || text.includes(bytesOf)) found.push(where);
  };
  for (const [name, database] of [
    ['ledger', ledger],
    ['keystore', keystore],
  ] as const)
    for (const [table, rows] of await everyRow(database)) for (const row of rows) look(`${name} ${table}`, row);
  look('process log', service.output);
  look('metrics', await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text());
  for (const error of errors) look(`error ${error.replaceAll(CANARY, '<canary>').slice(0, 200)}`, error);
  return found;
}

describe('an erased person', () => {
  it('cannot be read any more by whoever holds databases, backup and keys, once the epoch has ended', async () => {
    const { ledger, keystore } = service.superusers;
    const position = await leaveTraces();
    const { body: log } = await service.get('/v1/ledger', { as: 'auditor' });
    const entry = (await service.get(`/v1/logs/${log.logId}/entries/${position}`, { as: 'auditor' })).body;
    const proof = (await service.get(`/v1/logs/${log.logId}/entries/${position}/proof`, { as: 'auditor' })).body;
    const tenant = (await ledger.query<{ id: string }>('SELECT id FROM tenant')).rows.map(({ id }) => id);

    // Yesterday's backup of both databases.
    const backup = { rows: await everyRow(ledger), wrapped: await wrappedKeys(keystore) };
    const id = await openProven(service, 'erasure', [byEmail(CAROL.email)]);
    await approveByTwo(service, id, (await planOf(service, id)).hash);
    expect((await closed(service, id, 40_000)).resolution).toMatch(/^fulfilled/);

    /** Everything that can be had: today's rows and yesterday's, today's wrapped keys and yesterday's, all key files. */
    const identities = async (): Promise<number> => {
      const all = [...ciphertextsIn(backup.rows), ...ciphertextsIn(await everyRow(ledger))];
      const wrapped = [...backup.wrapped, ...(await wrappedKeys(keystore))];
      const keys = dataKeys(secretsIn(`${service.dataDir}-keys`), tenant, wrapped);
      return readableWith(
        keys,
        all.filter((one) => one.class === 'identity'),
        CANARY,
      ).length;
    };
    // The control: the erasure alone does not reach the backup.
    expect(await identities()).toBeGreaterThan(0);
    const certificate = await service.get(`/v1/requests/${id}/certificate`);
    expect((await lethe('keys', 'rotate', 'epoch')).out).toContain('destroyed');
    expect(await identities()).toBe(0);

    // What was proved stays proved.
    const bytes = Buffer.from(entry.bytes, 'base64');
    expect(verifyTlogProof(proof, bytes, parseVkey(log.vkey)).index).toBe(position);
    const again = (await service.get(`/v1/logs/${log.logId}/entries/${position}/proof`, { as: 'auditor' })).body;
    expect(verifyTlogProof(again, bytes, parseVkey(log.vkey)).index).toBe(position);
    const file = join(service.dataDir, 'certificate.json');
    await writeFile(file, JSON.stringify(certificate.body));
    expect(await run('verify-certificate.mjs', [file])).toMatchObject({ code: 0, error: '' });
    // Survivors were wrapped anew: the evidence that the law demands still opens for the service.
    expect((await service.get(`/v1/requests/${id}`)).status).toBe(200);
  }, 120_000);

  it('left its canary in no log, metric, error, idempotency row, job or other row', async () => {
    expect(errors.length).toBeGreaterThan(4);
    expect(await hits()).toEqual([]);
    // The control: what is planted is found.
    service.output += `{"msg":"called for ${email}"}\n`;
    errors.push(`no ${CANARY} here`);
    await service.superusers.ledger.query(`UPDATE housekeeping SET last_error = $1 WHERE name = 'key-epoch'`, [CANARY]);
    const planted = await hits();
    for (const where of ['process log', 'error no <canary> here', 'ledger housekeeping'])
      expect(planted).toContain(where);
  }, 30_000);
});
