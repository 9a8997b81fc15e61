/** Every dead job that asks for somebody has somebody who must act, and acting ends it. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '#kernel';
import { againKey, listDeadJobs } from '#jobs';
import { ada, approved as approvedOf } from '../../../../test/support/approved-erasure.js';
import { fakeSystem, type FakeSystem } from '../../../../test/support/fake-systems.js';
import { requestsPerSpec, type RequestsFixture } from '../../../../test/support/requests-fixture.js';
import { until } from '../../../../test/support/until.js';

const HOUR = 3_600_000;

describe('a dead job of a request', () => {
  const open = requestsPerSpec();
  let shop: FakeSystem;
  let all: RequestsFixture;

  beforeEach(async () => {
    shop = fakeSystem('shop', [{ name: 'customers' }]);
    shop.rows = [{ dataset: 'customers', ref: 'c1', ids: [ada] }];
    all = await open([shop]);
  });

  /** As a worker leaves it; `told`: with the fact that those who listen hear of. */
  async function plant(dedupeKey: string, queue: string, payload: object, told = true): Promise<string> {
    const id = newId();
    await all.base.ledger.superuser.query(
      `INSERT INTO job (tenant, id, queue, concurrency_key, payload, state, run_at, attempts, dedupe_key, created_at, finished_at)
       VALUES ($1, $2, $3, '', $4, 'dead', $5, 1, $6, $5, $5)`,
      [all.tenant, id, queue, JSON.stringify(payload), all.clock.now(), dedupeKey],
    );
    if (told) await tell(id, dedupeKey, queue);
    return id;
  }

  async function tell(id: string, dedupeKey: string, queue: string): Promise<void> {
    const data = {
      jobId: id,
      queue,
      key: '',
      attempts: 1,
      generation: 0,
      dedupeKey,
      code: 'crashed',
      class: 'crashed',
    };
    const events = [{ stream: `job/${id}`, type: 'JobDied.v1', data }];
    await all.store.append({ tenant: all.tenant, actorRef: 'system:jobs', events });
  }

  async function dead(): Promise<string[]> {
    const jobs = await listDeadJobs(all.base.ledger.database, all.tenant);
    return jobs.flatMap(({ state, dedupeKey }) => (state === 'dead' ? [(dedupeKey ?? '').split('/')[2] ?? ''] : []));
  }

  const nobody = (): Promise<unknown> => until('nobody has to act', async () => (await dead()).length === 0);

  const closed = async (): Promise<string> => {
    const id = await approvedOf(all);
    await all.until(id, (one) => one.status === 'closed');
    return id;
  };

  it('is ended with the work that is done again: of the answer of a closed request, its certificate', async () => {
    const requestId = await closed();
    const { version } = await all.requests.load(all.tenant, requestId);
    const id = await plant(`request/${requestId}/answer/${version}`, 'request-answer', { requestId, round: version });
    await nobody();
    const done = `SELECT state FROM job WHERE tenant = $1 AND dedupe_key = $2`;
    const key = againKey(`request/${requestId}/certificate`, id);
    expect((await all.base.ledger.superuser.query(done, [all.tenant, key])).rows).toEqual([{ state: 'done' }]);
  });

  it.each([
    ['begin', 'request-begin', { planId: newId() }],
    ['aftercare', 'request-aftercare', { aftercareId: newId() }],
    ['look', 'request-aftercare', { aftercareId: newId(), once: true }],
    ['stop', 'request-stop', {}],
    ['step', 'request-step', { stepId: newId() }],
  ])('is over when nothing is owed any more: %s of a closed request', async (part, queue, payload) => {
    const requestId = await closed();
    await plant(`request/${requestId}/${part}/${newId()}`, queue, { requestId, ...payload });
    await nobody();
    expect(await all.view(requestId)).toMatchObject({ status: 'closed' });
  });

  it('is over when the office has the request before it as incomplete', async () => {
    await all.worker.stop();
    const requestId = await approvedOf(all);
    const text = `UPDATE job SET state = 'dead', finished_at = now() WHERE tenant = $1 AND queue = 'request-begin' RETURNING id, dedupe_key`;
    const { rows } = await all.base.ledger.superuser.query(text, [all.tenant]);
    await tell(rows[0].id, rows[0].dedupe_key, 'request-begin');
    expect(await all.until(requestId, (one) => one.status === 'incomplete')).toMatchObject({ status: 'incomplete' });
    await nobody();
  });

  describe('of a step that failed', () => {
    async function failed(): Promise<string> {
      shop.faults = { applyDown: { class: 'permanent', code: 'schema-changed' } };
      const id = await approvedOf(all);
      await all.until(id, (one) => one.status === 'incomplete');
      return id;
    }

    it('waits for the officer, who has it tried again', async () => {
      const id = await failed();
      await all.lookAtDeadJobs();
      expect(await dead()).toEqual(['step']);
      shop.faults = {};
      await all.tasks.retry(all.by('officer'), id, 'shop', { reason: 'the table is back' });
      await all.until(id, (one) => one.status === 'closed');
      expect(await dead()).toEqual([]);
    });

    it('ends when the request is withdrawn', async () => {
      const id = await failed();
      await all.course.withdraw(all.by('officer'), id, { reason: 'she changed her mind' });
      expect(await dead()).toEqual([]);
    });

    it('is found by the look when a build before had left it, and work that it owed is done', async () => {
      const requestId = await closed();
      const round = 7;
      await plant(`request/${requestId}/step/${newId()}`, 'request-step', { requestId, stepId: newId() }, false);
      await plant(`request/${requestId}/answer/${round}`, 'request-answer', { requestId, round }, false);
      await all.lookAtDeadJobs();
      // The answer's stays until its certificate is written, which may be at once.
      expect(await dead()).not.toContain('step');
      all.clock.advance(2 * HOUR);
      await nobody();
    });
  });
});
