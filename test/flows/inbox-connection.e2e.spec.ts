/** The connection of a system that pulls its work: changed by one admin at a time, and declared anew for later plans. */
import { describe, expect, it } from '@jest/globals';
import { approve, byEmail, openProven, planOf } from '../support/connected-systems.js';
import { declaredDatasets, taskKey, type InboxSystem } from '../support/inbox-system.js';
import { inboxPerSpec, inboxTasks } from '../support/inbox-tasks.js';
import type { TestAnswer, TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

type Answer = TestAnswer['body'];

describe('the connection of a system that pulls its work', () => {
  let lethe: TestServer;
  let club: InboxSystem;
  const { approved, offered } = inboxTasks(() => ({ lethe, club }));

  inboxPerSpec((started) => {
    ({ lethe, club } = started);
  });

  it('is not switched on, checked or bound by what somebody else has changed at the same moment', async () => {
    const { superuser } = lethe;
    const path = `/v1/admin/connections/${club.connectionId}`;
    const key = await taskKey(lethe, 'another worker');
    /** Somebody configures the connection between the call's look at it and its change. */
    const meanwhile = async (what: string, body: object = {}): Promise<unknown[]> => {
      await superuser.query('BEGIN');
      await superuser.query('SELECT FROM connection WHERE id = $1 FOR UPDATE', [club.connectionId]);
      const answer = lethe.post(`${path}/${what}`, body, { as: 'admin' });
      await until('the call waits', async () => {
        const waits = 'SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))';
        return (await superuser.query(waits)).rowCount !== 0;
      });
      await superuser.query('UPDATE connection SET config_version = config_version + 1 WHERE id = $1', [
        club.connectionId,
      ]);
      await superuser.query('COMMIT');
      const { status, body: said } = await answer;
      return [status, said.code];
    };
    expect(await meanwhile('check')).toEqual([409, 'connection-changed']);
    expect(await meanwhile('rebind', { keyId: key.id })).toEqual([409, 'connection-changed']);
    // Off is off, whatever it is.
    expect(await meanwhile('disable')).toEqual([200, undefined]);
    expect(await meanwhile('enable')).toEqual([409, 'connection-changed']);
    expect((await lethe.post(`${path}/enable`, {}, { as: 'admin' })).status).toBe(200);
  });

  it('declares anew what it holds, for later plans, and not while a request works by the old declaration', async () => {
    const path = `/v1/admin/connections/${club.connectionId}/redeclare`;
    const declare = (datasets: unknown[]): Promise<TestAnswer> => lethe.post(path, { datasets }, { as: 'admin' });
    const photos = { name: 'photos', title: 'Club photos', action: 'erase' };
    const planned = async (id: string): Promise<string[]> =>
      (await planOf(lethe, id)).systems
        .find((one: Answer) => one.connectionId === club.connectionId)
        .datasets.map((one: Answer) => one.name);
    const [working, planning] = [
      await approved('uma@example.test'),
      await openProven(lethe, 'erasure', [byEmail('vic@example.test')]),
    ];
    const { hash } = await planOf(lethe, planning);
    await offered('apply');
    const refused = await declare([...declaredDatasets, photos]);
    expect([refused.status, refused.body.code]).toEqual([409, 'connection-in-use']);
    expect(refused.body.requestIds).toContain(working);
    const { rows: open } = await lethe.superuser.query(`SELECT DISTINCT request FROM inbox_task WHERE state <> 'done'`);
    for (const { request } of open)
      if (request !== null) await lethe.post(`/v1/requests/${request}/withdraw`, { reason: 'Changed her mind.' });
    // Those that are withdrawn, and those of earlier tests, come to their end a moment later.
    const declared = await until('a declaration that nothing is in the way of', async () => {
      const answer = await declare([...declaredDatasets, photos]);
      return answer.body.code === 'connection-in-use' ? undefined : answer;
    });
    expect([declared.status, declared.body]).toEqual([200, { id: club.connectionId, status: 'enabled' }]);
    // A plan that was made by the old declaration is not approved any more.
    const approval = await approve(lethe, planning, hash);
    expect([approval.status, approval.body.code]).toEqual([409, 'plan-changed']);
    expect(await planned(planning)).toContain('photos');
    expect((await declare([...declaredDatasets, photos])).status).toBe(200);
    const { rows } = await lethe.superuser.query(
      `SELECT bytes::jsonb -> 'data' AS data FROM event WHERE type = 'ConnectionRedeclared.v1' ORDER BY position`,
    );
    expect(rows).toHaveLength(1);
    expect(rows[0].data).toMatchObject({ id: club.connectionId, before: { answerWithinDays: 14 } });
    expect(rows[0].data.after.datasets).toHaveLength(4);
    expect((await declare([photos, photos])).status).toBe(400);
    expect((await lethe.post(path, { datasets: [photos] })).status).toBe(403);
    expect((await declare(declaredDatasets)).status).toBe(200);
  }, 90_000);
});
