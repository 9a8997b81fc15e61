/** The table of tasks, with the rows that a replica of the build before writes into it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, systemClock, type SubjectId } from '#kernel';
import { openSubjects, type SubjectsFixture } from '../../../test/support/subjects-fixture.js';
import { inboxMigrations } from './inbox.migrations.js';
import type { TaskKind } from './task.js';
import { changeHeld, endTask, insertTask, takeTask, Tasks, type NewTask } from './tasks.js';

describe('the table of tasks', () => {
  let base: SubjectsFixture;
  let tasks: Tasks;
  beforeAll(async () => {
    base = await openSubjects(systemClock, inboxMigrations);
    tasks = new Tasks(base.store, base.ledger.database, base.sealer);
  }, 60_000);
  afterAll(() => base.close());

  const soon = new Date(Date.now() + 86_400_000);
  const task = (kind: TaskKind, connection: string, subject: string): NewTask => ({
    ...{ id: newId(), connection, kind, item_key: newId(), subject: subject as SubjectId, request: null, job: null },
    ...{ must_finish_by: soon, created_at: new Date(), asked: '{}' },
  });
  const opened = async (one: NewTask): Promise<string> => {
    await tasks.transaction(base.tenant, (query) => insertTask(query, base.tenant, one));
    return one.id;
  };
  /** The statement of the build before, which knows no turns. */
  const openedBefore = async ({ id, connection, kind, item_key, subject }: NewTask): Promise<string> => {
    await tasks.transaction(base.tenant, (query) =>
      query({
        text: `INSERT INTO inbox_task (tenant, id, connection, kind, item_key, subject, state, must_finish_by, asked, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, '{}', $8)`,
        values: [base.tenant, id, connection, kind, item_key, subject, soon, new Date()],
      }),
    );
    return id;
  };

  it('tells decisions as they came while a replica of the build before writes some of them', async () => {
    const [connection, subject] = [newId(), newId()];
    const obey = (): NewTask => task('obey', connection, subject);
    const came = [await opened(obey()), await openedBefore(obey()), await opened(obey())];
    const told: string[] = [];
    while (told.length < came.length) {
      const [next, ...others] = await tasks.claimable(base.tenant, connection, new Date(), 10);
      expect(others).toEqual([]);
      told.push(next?.id ?? 'none');
      await tasks.transaction(base.tenant, (query) =>
        query({
          text: `UPDATE inbox_task SET state = 'done' WHERE tenant = $1 AND id = $2`,
          values: [base.tenant, told.at(-1)],
        }),
      );
    }
    expect(told).toEqual(came);
  });

  it.each([
    ['nobody has claimed', [], false],
    ['a hold met at its claim', ['claimed', 'unhanded'], false],
    ['somebody was handed and gave back with what he had done', ['claimed', 'given back'], true],
    ['somebody was handed before a hold met at the next claim', ['claimed', 'given back', 'claimed', 'unhanded'], true],
  ])('knows of a task that was taken back whether it was handed to anybody: one that %s', async (_, life, handed) => {
    const [connection, one] = [newId(), task('apply', newId(), newId())];
    const { tenant } = base;
    const id = await opened({ ...one, connection });
    let fence = 0;
    const end = { why: 'task-withdrawn' as const, unlessBegun: true };
    await tasks.transaction(tenant, async (query) => {
      for (const step of life)
        if (step === 'claimed') fence = (await takeTask(query, tenant, id, 60))?.fence ?? 0;
        else if (step === 'given back')
          await changeHeld(query, tenant, { id, fence }, { state: 'open', outcomes: '{}' });
        else expect(await endTask(query, tenant, id, { why: end.why, unhanded: true }, new Date())).toBe(true);
      expect(await endTask(query, tenant, id, end, new Date())).toBe(!life.includes('unhanded'));
    });
    expect((await tasks.takenBack(tenant, connection, one.item_key)).map((row) => row.id)).toEqual(handed ? [id] : []);
  });
});
