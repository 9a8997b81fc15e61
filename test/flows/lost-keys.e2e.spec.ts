/** Keys that are gone keep no case open: what is decided about the past is said still. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SubjectId, TenantId } from '#kernel';
import { KeyStore } from '#subjects';
import { byEmail, closed } from '../support/connected-systems.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

describe('when a key of class case is gone', () => {
  let lethe: TestServer;
  let keys: KeyStore;
  let tenant: TenantId;

  beforeAll(async () => {
    lethe = await startTestServer({ now: new Date('2026-11-02T09:00:00Z') });
    keys = lethe.server.app.get(KeyStore, { strict: false });
    tenant = lethe.tenant.tenant.id;
  }, 60_000);
  afterAll(() => lethe.close());

  const opened = async (mailbox: string): Promise<string> => {
    const subject = { identifiers: [byEmail(mailbox)] };
    const body = { type: 'access', regimes: ['eu-gdpr'], territory: 'DE-BE', channel: 'mail', subject };
    return (await lethe.post('/v1/requests', body)).body.id;
  };

  it('with the person’s other evidence, a hold that names her is released all the same', async () => {
    const id = await opened('held@example.test');
    const { subjectId } = (await lethe.get(`/v1/requests/${id}`)).body;
    const hold = await lethe.post('/v1/holds', {
      ...{ ground: 'gdpr-17-3-e', reason: 'A claim.', owner: 'legal', reviewOn: '2027-05-02' },
      scope: { subjectId },
    });
    expect(hold.status).toBe(201);
    await keys.shred(tenant, subjectId, ['case']);
    const released = await lethe.post(`/v1/holds/${hold.body.id}/release`, { reason: 'The claim is settled.' });
    expect(released).toMatchObject({ status: 200, body: { id: hold.body.id } });
  });

  it('because the key store is older than the request, the request can be withdrawn, answered by letter and closed', async () => {
    const id = await opened('lost@example.test');
    const text = `DELETE FROM subject_key WHERE tenant = $1 AND subject = $2`;
    await keys.database.transaction(tenant, (query) => query({ text, values: [tenant, id] }));
    keys.evict(tenant, id as SubjectId);
    const identified = await lethe.post(`/v1/requests/${id}/identify`, {
      ...{ identifier: byEmail('lost@example.test'), method: 'attest', note: 'Seen at the counter.' },
    });
    expect(identified).toMatchObject({ status: 410, body: { code: 'case-unreadable' } });
    expect((await lethe.post(`/v1/requests/${id}/withdraw`, { reason: 'She asks anew.' })).status).toBe(200);
    expect(await closed(lethe, id)).toMatchObject({ status: 'closed', resolution: 'withdrawn' });
  });

  it('what was said of her afterwards goes with the evidence of its year', async () => {
    const year = '00000000-0000-8000-8000-000000002026' as SubjectId;
    await expect(keys.find(tenant, year, 'case')).resolves.toHaveProperty('key');
    lethe.clock.set(new Date('2030-01-02T09:00:00Z'));
    await until('the chore has run', async () => 'missing' in (await keys.find(tenant, year, 'case')));
  });
});
