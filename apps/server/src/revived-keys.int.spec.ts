/** A key store that was set back opens what was erased: the audit destroys such keys again, and names it. */
import { CommandBus } from '@nestjs/cqrs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type SubjectId, type TenantId } from '#kernel';
import { FileCheckpointLock } from '#ledger';
import { EraseIdentity, KeyStore, type KeyClass } from '#subjects';
import { startTestServer, type TestServer } from '../../../test/support/test-server.js';
import { checkpointFolder } from './ledger-parts.js';
import { StoreAudit } from './store-audit.js';

let lethe: TestServer;
let keys: KeyStore;
let tenant: TenantId;
beforeAll(async () => {
  lethe = await startTestServer({ now: new Date('2026-11-02T09:00:00Z'), environment: { LETHE_ROLES: 'api' } });
  keys = lethe.server.app.get(KeyStore, { strict: false });
  tenant = lethe.tenant.tenant.id;
  await lethe.put('/v1/purposes/newsletter', { name: 'N', legalBasis: 'consent', model: 'opt-in' }, { as: 'admin' });
  const notice = { id: 'signup', version: '1', language: 'en', text: 'News.', purposes: ['newsletter'] };
  await lethe.post('/v1/notices', notice);
}, 60_000);
afterAll(() => lethe.close());

/** What an audit names. */
async function found(whole: boolean): Promise<string[]> {
  const { database, reader, config } = lethe.server.parts;
  const parts = { database, reader, lock: new FileCheckpointLock(checkpointFolder(config)) };
  const faults = await lethe.server.app.get(StoreAudit, { strict: false }).audit(parts, whole);
  return faults.map(({ where, what }) => `${where} ${what}`);
}

/** Keeps a key as a backup does; answers how it comes back. */
async function kept(subject: SubjectId, keyClass: KeyClass): Promise<() => Promise<void>> {
  await keys.keyFor(tenant, subject, keyClass);
  const name = [tenant, subject, keyClass];
  const where = 'tenant = $1 AND subject = $2 AND class = $3';
  const { rows } = await keys.database.fetch<{ epoch: string; wrapped: Buffer }>(tenant, {
    text: `SELECT epoch, wrapped FROM subject_key WHERE ${where}`,
    values: name,
  });
  const text = `UPDATE subject_key SET epoch = $4, wrapped = $5, shredded_at = NULL WHERE ${where}`;
  const values = [...name, rows[0]?.epoch, rows[0]?.wrapped];
  return async () => void (await keys.database.transaction(tenant, (query) => query({ text, values })));
}

async function erased(): Promise<{ subject: SubjectId; back: () => Promise<void> }> {
  const { body } = await lethe.post(
    '/v1/consents',
    {
      subject: { identifiers: [{ type: 'email', value: `${newId()}@example.test` }] },
      ...{ decisions: [{ purpose: 'newsletter', decision: 'given' }], notice: { id: 'signup', version: '1' } },
      ...{ method: 'web-form', collectedAt: lethe.clock.now().toISOString(), evidence: {} },
    },
    { as: 'system' },
  );
  const subject = body.subjectId as SubjectId;
  const back = await kept(subject, 'identity');
  await lethe.server.app
    .get(CommandBus, { strict: false })
    .execute(new EraseIdentity({ tenant, actorRef: 'staff' }, subject));
  return { subject, back };
}

describe('a key that was destroyed and is back', () => {
  it.each([
    ['whole', true],
    ['quick', false],
  ])('is destroyed again and named by the %s audit', async (_, whole) => {
    const { subject, back } = await erased();
    expect(await found(true)).toEqual([]);
    await back();
    expect(await keys.find(tenant, subject, 'identity')).toHaveProperty('key');
    expect(await found(whole)).toEqual([expect.stringContaining('1 keys that were destroyed were there')]);
    expect(await keys.find(tenant, subject, 'identity')).toEqual({ missing: 'shredded' });
    expect(await found(true)).toEqual([]);
  });

  it('of a case file counts once its end had its time', async () => {
    const holder = newId() as SubjectId;
    await keys.keyFor(tenant, holder, 'case');
    await lethe.server.parts.store.append({
      ...{ tenant, actorRef: 'system' },
      events: [
        { stream: `request/${holder}`, type: 'CaseFileEnded.v1', data: { requestId: holder, keyHolders: [holder] } },
      ],
    });
    expect(await found(true)).toEqual([]);
    lethe.clock.set(new Date('2026-11-03T09:00:00Z'));
    expect(await found(true)).toEqual([expect.stringContaining('1 keys that were destroyed were there')]);
    expect(await keys.find(tenant, holder, 'case')).toEqual({ missing: 'shredded' });
  });
});
