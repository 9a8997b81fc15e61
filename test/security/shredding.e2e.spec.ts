/** Acceptance 6: after an erasure and the end of its epoch, no key that is left opens who it was; and no canary ever got out. */
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseVkey, verifyTlogProof } from '#ledger';
import { runVerb } from '../../apps/cli/src/run-verb.js';
import { CAROL } from '../support/connected-shop.js';
import {
  approve,
  approveByTwo,
  byEmail,
  closed,
  connectSystems,
  openProven,
  planOf,
  type Systems,
} from '../support/connected-systems.js';
import { ServiceProcess } from '../support/service-process.js';
import {
  ciphertextsIn,
  dataKeys,
  everyFile,
  everyRow,
  readableWith,
  secretsIn,
  wrappedKeys,
  type Ciphertext,
} from '../support/try-keys.js';
import { run } from '../verify/small-log.js';
import { PERSON, spellings, tells } from './canaries.js';

/** In every value that stands for personal data in this run, and in nothing else. */
const CANARY = PERSON;
const email = `${CANARY}@example.test`;

let service: ServiceProcess;
let systems: Systems;
let adminPort = 0;
const errors: string[] = [];
beforeAll(async () => {
  adminPort = await freePort();
  service = await ServiceProcess.prepare((dataDir) => ({
    ...{ LETHE_LOG_LEVEL: 'debug', LETHE_ADMIN_PORT: String(adminPort) },
    LETHE_ARCHIVE_URL: pathToFileURL(join(dataDir, 'archive')).href,
  }));
  await service.start();
  systems = await connectSystems(service);
  await systems.shop.sql.query(`UPDATE customers SET name = name || ' ${CANARY}' WHERE email = '${CAROL.email}'`);
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
  const environment = { ...service.commandEnvironment, LETHE_ADMIN_PORT: '' };
  return { status: await runVerb(words, { say, complain: say, environment } as never), out: out.join('\n') };
}

const post = async (path: string, body: unknown, as: 'officer' | 'system' | 'admin' = 'officer') => {
  const answer = await service.post(path, body, { as });
  if (answer.status >= 400) errors.push(JSON.stringify(answer.body));
  return answer;
};

/** A canary in every field of every route of this run that takes personal data or free words. */
async function leaveTraces(): Promise<{ position: number; subjectId: string }> {
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
  await post('/v1/subjects/lookup', { identifiers: [byEmail(email)] });
  await post('/v1/requests', { type: CANARY, subject: { identifiers: [byEmail(email)] } });
  await post(
    '/v1/suppressions/check',
    { items: [{ identifier: byEmail(email), dataFrom: consent.collectedAt }] },
    'system',
  );
  for (const path of [`/v1/requests/${CANARY}`, `/v1/consents/${CANARY}/receipt`, `/v1/nothing/${CANARY}?q=${CANARY}`])
    errors.push(JSON.stringify((await service.get(path)).body));
  return recorded.body;
}

/** Where the canary stands in clear; ciphertext and keyed hashes do not contain it. */
async function hits(): Promise<string[]> {
  const { ledger, keystore } = service.superusers;
  const found: string[] = [];
  const look = (where: string, text: string): void => {
    if (tells(text, CANARY)) found.push(where);
  };
  for (const [name, database] of [
    ['ledger', ledger],
    ['keystore', keystore],
  ] as const)
    for (const [table, rows] of await everyRow(database)) for (const row of rows) look(`${name} ${table}`, row);
  for (const [file, [text = '']] of everyFile(service.dataDir))
    look(`file ${file.slice(service.dataDir.length)}`, text);
  look('process log', service.output);
  look('metrics', await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text());
  for (const error of errors) look(`error ${error.replaceAll(CANARY, '<canary>').slice(0, 200)}`, error);
  return found;
}

/** Yesterday's backup by the command: each part in a folder of its own, all below the data directory beside the archive. */
const part = (name: 'ledger' | 'keys' | 'kept'): string => join(service.dataDir, 'backup', name);
const parts = (): string[] => [part('ledger'), '--keys', part('keys'), '--kept', part('kept')];

/** The wrapped keys that the keys part holds. */
function keysOfBackup(): Buffer[] {
  const rows = [...everyFile(part('keys')).values()].flat().join('\n');
  const found = [...rows.matchAll(/"wrapped":"\\\\x([0-9a-f]+)"/g)].map(([, hex = '']) => Buffer.from(hex, 'hex'));
  expect(found.length).toBeGreaterThan(4);
  return found;
}

const holds = (text: string, key: Buffer): boolean =>
  ['hex', 'base64', 'base64url', 'latin1'].some((how) => text.includes(key.toString(how as BufferEncoding)));

/** Of whom; what it is stays out of the test's own output. */
const identities = (found: readonly Ciphertext[]): string[] =>
  found.flatMap(({ class: of, subject }) => (of === 'identity' ? [subject] : []));

/** A copy of everything, asked for by the person, and sealed in the data directory when she is erased. */
async function buildPackage(): Promise<void> {
  const id = await openProven(service, 'access', [byEmail(CAROL.email)]);
  expect((await approve(service, id, (await planOf(service, id)).hash)).status).toBe(200);
  expect((await closed(service, id, 40_000)).package.records).toBeGreaterThan(15);
}

/**
 * What opens with everything that can be had: rows and files of today and of yesterday, or only the files `within` a folder;
 * all wrapped keys, all key files.
 */
async function readable(yesterday: Buffer[], within = ''): Promise<Ciphertext[]> {
  const { ledger, keystore } = service.superusers;
  const tenant = (await ledger.query<{ id: string }>('SELECT id FROM tenant')).rows.map(({ id }) => id);
  const rows = within === '' ? ciphertextsIn(await everyRow(ledger)) : [];
  const all = [...rows, ...ciphertextsIn(everyFile(join(service.dataDir, within)))];
  const wrapped = [...yesterday, ...(await wrappedKeys(keystore))];
  return readableWith(dataKeys(secretsIn(`${service.dataDir}-keys`), tenant, wrapped), all, CANARY);
}

describe('an erased person', () => {
  it('cannot be read any more by whoever holds databases, files, backup and keys, once the epoch has ended', async () => {
    const { position, subjectId } = await leaveTraces();
    await buildPackage();
    const { body: log } = await service.get('/v1/ledger', { as: 'auditor' });
    const entry = (await service.get(`/v1/logs/${log.logId}/entries/${position}`, { as: 'auditor' })).body;
    const proof = (await service.get(`/v1/logs/${log.logId}/entries/${position}/proof`, { as: 'auditor' })).body;

    expect(await lethe('backup', ...parts())).toMatchObject({ status: 0 });
    const yesterday = keysOfBackup();
    // The keys are in their own part and nowhere else, so that this one can be kept for days and the others for years.
    for (const [file, [text = '']] of everyFile(service.dataDir))
      if (!file.startsWith(part('keys')))
        expect([file, yesterday.some((key) => holds(text, key))]).toEqual([file, false]);
    const id = await openProven(service, 'erasure', [byEmail(CAROL.email)]);
    await approveByTwo(service, id, (await planOf(service, id)).hash);
    expect((await closed(service, id, 40_000)).resolution).toMatch(/^fulfilled/);

    // The control: the erasure alone does not reach what backup and archive hold.
    for (const within of ['archive', 'backup/ledger'])
      expect([within, identities(await readable(yesterday, within))]).toEqual([
        within,
        expect.arrayContaining([subjectId]),
      ]);
    const certificate = await service.get(`/v1/requests/${id}/certificate`);
    expect((await lethe('keys', 'rotate', 'epoch')).out).toContain('destroyed');
    expect(identities(await readable(yesterday))).toEqual([]);

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

  it('left its canary in no file, log, metric, error, idempotency row, job or other row', async () => {
    expect(errors.length).toBeGreaterThan(4);
    const walked = [...everyFile(service.dataDir).keys()].join('\n');
    for (const where of ['.zip.sealed', '/archive/', '/backup/ledger/event.jsonl.gz', '/backup/keys/', '/backup/kept/'])
      expect(walked).toContain(where);
    expect(await hits()).toEqual([]);
    // The control: what is planted is found, however it is written.
    service.output += `{"msg":"called for ${email}"}\n`;
    errors.push(`no ${CANARY} here`);
    await service.superusers.ledger.query(`UPDATE housekeeping SET last_error = $1 WHERE name = 'key-epoch'`, [CANARY]);
    const planted = ['process log', 'error no <canary> here', 'ledger housekeeping'];
    for (const [at, spelling] of spellings(CANARY).entries()) {
      await writeFile(join(part('ledger'), `planted-${at}.jsonl.gz`), gzipSync(`{"note":"${spelling}"}`));
      planted.push(`file /backup/ledger/planted-${at}.jsonl.gz`);
    }
    expect((await hits()).sort()).toEqual(planted.sort());
  }, 30_000);

  it('is not back when the backup is, with its keys', async () => {
    const yesterday = keysOfBackup();
    await service.end('SIGTERM');
    // Its keys are under an epoch that is over, which is said before anything is written.
    const withKeys = await lethe('restore', ...parts(), '--replace');
    expect([withKeys.status, withKeys.out]).toEqual([2, expect.stringContaining('take a later backup')]);
    expect(await lethe('restore', part('ledger'), '--replace')).toMatchObject({ status: 0 });
    expect(identities(await readable(yesterday))).toEqual([]);
    expect(await lethe('replay')).toMatchObject({ status: 0 });
    expect(identities(await readable(yesterday))).toEqual([]);
    await service.start();
    for (const identifier of [byEmail(CAROL.email), byEmail(email)])
      expect((await service.post('/v1/subjects/lookup', { identifiers: [identifier] })).body.items).toEqual([]);
  }, 120_000);
});
