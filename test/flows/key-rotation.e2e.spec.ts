/** Keys are replaced while the service runs: calls go on, what was proved and signed stays proved, epochs end by themselves. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Housekeeping } from '#jobs';
import { newId } from '#kernel';
import { parseVkey, verifyTlogProof } from '#ledger';
import { CertificateKeys, KeyRotation } from '#subjects';
import { runVerb } from '../../apps/cli/src/run-verb.js';
import { CertificateSources } from '../../libs/requests/src/certificate/certificate-issuer.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { secretsIn } from '../support/try-keys.js';
import { run } from '../verify/small-log.js';

const DAY = 86_400_000;
const HOUR = DAY / 24;
let given: TestServer;
beforeAll(async () => {
  given = await startTestServer();
});
afterAll(() => given.close());

async function record(email: string): Promise<number> {
  const { status, body } = await given.post(
    '/v1/consents',
    {
      subject: { identifiers: [{ type: 'email', value: email }] },
      decisions: [{ purpose: 'newsletter', decision: 'given' }],
      notice: { id: 'footer', version: '1' },
      method: 'web form',
      collectedAt: given.clock.now().toISOString(),
      evidence: {},
    },
    { as: 'system' },
  );
  expect([status, body]).toEqual([201, expect.anything()]);
  return body.position;
}

describe('rotations', () => {
  beforeAll(async () => {
    await given.put('/v1/purposes/newsletter', {
      ...{ name: 'Newsletter', legalBasis: 'consent', model: 'opt-in' },
    });
    const notice = { id: 'footer', version: '1', language: 'en', text: 'We write monthly.', purposes: ['newsletter'] };
    expect((await given.post('/v1/notices', notice)).status).toBe(201);
  });

  it('of the log key keep old proofs, and the verifier follows from the key it held', async () => {
    const { body: before } = await given.get('/v1/ledger', { as: 'auditor' });
    const position = await record('early@example.test');
    const entry = (await given.get(`/v1/logs/${before.logId}/entries/${position}`, { as: 'auditor' })).body;
    const proof = (await given.get(`/v1/logs/${before.logId}/entries/${position}/proof`, { as: 'auditor' })).body;
    const rotation = given.server.app.get(KeyRotation);
    const tenant = given.tenant.tenant.id;
    const running = Array.from({ length: 20 }, (_, at) => record(`during${at}@example.test`));
    const { position: rotated } = await rotation.log(tenant, 'system:operator');
    await Promise.all(running);
    const { body: after } = await given.get('/v1/ledger', { as: 'auditor' });
    expect(after.keys).toMatchObject([
      { vkey: before.vkey, fromSize: 0 },
      { vkey: after.vkey, fromSize: rotated + 1 },
    ]);
    expect(after.vkey).not.toBe(before.vkey);
    const bytes = Buffer.from(entry.bytes, 'base64');
    expect(verifyTlogProof(proof, bytes, parseVkey(before.vkey)).index).toBe(position);
    const fresh = (await given.get(`/v1/logs/${before.logId}/entries/${position}/proof`, { as: 'auditor' })).body;
    expect(verifyTlogProof(fresh, bytes, parseVkey(after.vkey)).index).toBe(position);
    const key = { LETHE_API_KEY: given.tenant.keys.auditor };
    const followed = await run('verify-log.mjs', [given.server.baseUrl, '--vkey', before.vkey], key);
    expect([followed.code, followed.error]).toEqual([0, '']);
    expect(followed.out).toContain('committed before');
    // A second one, and a verifier that holds no key at all.
    await rotation.log(tenant, 'system:operator');
    await record('late@example.test');
    expect(await run('verify-log.mjs', [given.server.baseUrl], key)).toMatchObject({ code: 0 });
  });

  it('of the certificate key list every key with its validity, and receipts name the one in use', async () => {
    const { body: first } = await given.get('/v1/certificate-key', { as: 'auditor' });
    expect(first.keys).toEqual([{ keyId: first.keyId, publicKey: first.publicKey, validFrom: null, validUntil: null }]);
    given.clock.advance(DAY);
    await given.server.app.get(KeyRotation).certificate(given.tenant.tenant.id, 'system:operator');
    const { body: second } = await given.get('/v1/certificate-key', { as: 'auditor' });
    expect(second.keyId).not.toBe(first.keyId);
    const at = given.clock.now().toISOString();
    expect(second.keys).toEqual([
      { keyId: first.keyId, publicKey: first.publicKey, validFrom: null, validUntil: at },
      { keyId: second.keyId, publicKey: second.publicKey, validFrom: at, validUntil: null },
    ]);
    const signed = await given.server.app.get(CertificateKeys).sign(given.tenant.tenant.id, Buffer.from('x'));
    expect(signed.keyId).toBe(second.keyId);
  });

  it('of the epoch come by themselves when it is old enough', async () => {
    const chores = given.server.app.get(Housekeeping);
    const epochs = async (): Promise<string[]> =>
      (
        await given.server.parts.keystoreDatabase.global<{ epoch: string }>({
          text: 'SELECT epoch FROM key_epoch WHERE destroyed_at IS NULL ORDER BY epoch',
        })
      ).rows.map(({ epoch }) => epoch);
    const before = await epochs();
    given.clock.advance(27 * DAY);
    await chores.runDue();
    expect(await epochs()).toEqual(before);
    given.clock.advance(4 * DAY);
    const { failures } = (await chores.states()).find(({ name }) => name === 'key-epoch') ?? { failures: 1 };
    expect(failures).toBe(0);
    for (const end = Date.now() + 5_000; (await epochs()).length < 2 && Date.now() < end;) await chores.runDue();
    // Replaced, and for half a day not destroyed: no backup of the key store opens without it before the next is made.
    expect(await epochs()).toEqual([...before, expect.any(String)]);
    // Who is erased meanwhile is in backups until the younger one ends: that is the day on her certificate.
    const { keys } = await given.server.app.get(CertificateSources).gather(given.tenant.tenant.id, newId());
    const { rows } = await given.server.parts.keystoreDatabase.global<{ since: Date }>({
      text: 'SELECT max(created_at) AS since FROM key_epoch',
    });
    expect(Date.parse(keys.oldestEpochSince!)).toBeLessThan(rows[0]!.since.getTime());
    expect(keys.endsOn).toBe(new Date(rows[0]!.since.getTime() + 31 * DAY).toISOString().slice(0, 10));
    given.clock.advance(11 * HOUR);
    await chores.runDue();
    expect(await epochs()).toHaveLength(2);
    given.clock.advance(2 * HOUR);
    for (const end = Date.now() + 5_000; (await epochs())[0] === before[0] && Date.now() < end;) await chores.runDue();
    expect(await epochs()).toEqual([expect.not.stringContaining(before[0]!)]);
    const facts = await given.server.parts.store.load(given.tenant.tenant.id, 'keys');
    expect(facts.map(({ data }) => data['kind'])).toEqual(['log', 'log', 'certificate', 'epoch', 'epoch']);
    expect(facts.at(-2)?.data).toMatchObject({ destroyed: [] });
    expect(facts.at(-1)).toMatchObject({ actorRef: 'system:housekeeping', data: { destroyed: before } });
    const text = JSON.stringify(facts);
    for (const secret of secretsIn(`${given.dataDir}-keys`))
      expect([text.includes(secret.toString('base64')), text.includes(secret.toString('hex'))]).toEqual([false, false]);
  });
});

describe('lethe keys', () => {
  async function lethe(...words: string[]): Promise<{ status: number; out: string }> {
    const out: string[] = [];
    const say = (line: string): void => void out.push(line);
    const { DATABASE_URL, LETHE_KEYSTORE_URL, dataDir, keyDir } = given.server.parts.config;
    const environment = { DATABASE_URL, LETHE_KEYSTORE_URL, LETHE_DATA_DIR: dataDir, LETHE_KEY_DIR: keyDir };
    return { status: await runVerb(words, { say, complain: say, environment } as never), out: out.join('\n') };
  }

  it('refuses to replace a suppression key and says why, and sends webhooks to their endpoint', async () => {
    const refused = await lethe('keys', 'rotate', 'suppression');
    expect(refused).toMatchObject({ status: 2, out: expect.stringContaining('who was erased would come back') });
    expect((await lethe('keys', 'rotate', 'webhook')).out).toContain('rotate-secret');
    expect(await lethe('keys', 'rotate', 'everything')).toMatchObject({ status: 2 });
  });

  it('replaces every other kind beside the running service, and says what is in use', async () => {
    const before = (await lethe('keys', 'status')).out;
    for (const kind of ['epoch', 'lookup', 'log', 'certificate'])
      expect([kind, (await lethe('keys', 'rotate', kind)).status]).toEqual([kind, 0]);
    const { out } = await lethe('keys', 'status');
    expect(before).toContain('lookup key 1');
    expect(out).toContain('lookup key 2');
    expect(out.match(/log from/g)).toHaveLength(4);
    expect(out.match(/certificates: /g)).toHaveLength(3);
    for (const secret of secretsIn(`${given.dataDir}-keys`)) expect(out).not.toContain(secret.toString('base64'));
    // The service goes on: it finds people under the new key and signs with the new ones.
    await record('early@example.test');
    const about = { subject: { identifiers: [{ type: 'email', value: 'early@example.test' }] }, purpose: 'newsletter' };
    expect((await given.post('/v1/consents/check', about, { as: 'system' })).body.decision).toBe('permit');
    const key = { LETHE_API_KEY: given.tenant.keys.auditor };
    expect(await run('verify-log.mjs', [given.server.baseUrl], key)).toMatchObject({ code: 0 });
  }, 60_000);
});
