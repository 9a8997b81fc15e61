/** One connection whose secrets are unreadable stops nothing of the others: it is named, asked for nothing, and mended by new ones. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SubjectId } from '#kernel';
import { ReplayErasures, type ReplayedStep } from '#requests';
import { KeyStore } from '#subjects';
import { approvedErasure, byEmail, closed, openProven, planOf } from '../support/connected-systems.js';
import { connectPlugin } from '../support/connect-plugin.js';
import { installLife, lifeOf, plantLife } from '../support/planted-life.js';
import { openMailing, type Mailing } from '../support/planted-plugins.js';
import { startTestServer, type TestServer } from '../support/test-server.js';

describe('a connection whose secrets are unreadable', () => {
  let lethe: TestServer;
  let broken: Mailing;
  let whole: Mailing;
  let id: string;

  beforeAll(async () => {
    lethe = await startTestServer();
    await installLife(lethe, '1.0.0');
    [broken, whole] = [await connected('broken'), await connected('whole')];
    for (const { rows } of [broken, whole]) rows.set('e1', 'erased@example.test');
    await closed(lethe, await approvedErasure(lethe, [byEmail('erased@example.test')]));
    const keys = lethe.server.app.get(KeyStore, { strict: false });
    const tenant = lethe.tenant.tenant.id;
    const text = 'DELETE FROM subject_key WHERE tenant = $1 AND subject = $2';
    await keys.database.transaction(tenant, (query) => query({ text, values: [tenant, broken.connectionId] }));
    keys.evict(tenant, broken.connectionId as SubjectId);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([broken.close(), whole.close()]);
    await lethe.close();
  });

  async function connected(name: string): Promise<Mailing> {
    const mailing = await openMailing();
    const [config, secrets] = [{ url: mailing.url }, { token: mailing.token }];
    mailing.connectionId = await connectPlugin(lethe, { plugin: plantLife(lethe, '1.0.0'), name, config, secrets });
    return mailing;
  }

  it('is listed beside the others, and its check says why it cannot be asked', async () => {
    const { status, body } = await lethe.get('/v1/admin/connections', { as: 'officer' });
    expect([status, body.items?.map((one: { name: string }) => one.name).sort()]).toEqual([200, ['broken', 'whole']]);
    const checked = await lifeOf(lethe, broken.connectionId).check();
    expect(checked).toMatchObject({ status: 200, body: { ok: false, error: { code: 'secrets-unreadable' } } });
  });

  it('alone is named by a plan as one that nobody can say what it holds', async () => {
    id = await openProven(lethe, 'erasure', [byEmail('dan@example.test')]);
    const planned = await lethe.post(`/v1/requests/${id}/plan`, {});
    const silent = [{ connectionId: broken.connectionId, code: 'secrets-unreadable' }];
    expect(planned).toMatchObject({ status: 409, body: { code: 'plan-unconfirmed', silent } });
  });

  it('alone is named by a replay, which goes on with the others', async () => {
    whole.rows.set('e1', 'erased@example.test');
    const replay = lethe.server.app.get(ReplayErasures, { strict: false });
    const steps = new Map<string, ReplayedStep>();
    for await (const step of replay.again(lethe.tenant.tenant.id)) steps.set(step.connectionId, step);
    expect(steps.get(broken.connectionId)).toMatchObject({ again: 0, failure: 'secrets-unreadable' });
    expect(steps.get(whole.connectionId)).toMatchObject({ again: 1, left: 0 });
    expect(whole.rows.has('e1')).toBe(false);
  });

  it('is planned again once all of its secrets are entered anew', async () => {
    const life = lifeOf(lethe, broken.connectionId);
    expect((await life['rotate-secret']({ secrets: { other: 'x' } })).body.code).toBe('secrets-unreadable');
    expect(await life['rotate-secret']({ secrets: { token: broken.token } })).toMatchObject({ status: 200 });
    const { systems } = await planOf(lethe, id);
    expect(systems).toContainEqual(expect.objectContaining({ connectionId: broken.connectionId }));
  });
});
