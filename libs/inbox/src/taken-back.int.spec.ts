/** A task that a hold takes back after its system had done a part: what was told stands, and the rest has a key of its own. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DECLARED_REF, type ConnectionRow, type Connections, type Item, type Outcome, type Target } from '#connectors';
import { newId, type SubjectId } from '#kernel';
import { openSubjects, type SubjectsFixture } from '../../../test/support/subjects-fixture.js';
import { ClaimTask } from './claim-task.js';
import type { HeldTasks } from './held-tasks.js';
import { InboxDriver } from './inbox-driver.js';
import { inboxMigrations } from './inbox.migrations.js';
import { OpenTasks } from './open-task.js';
import type { KeyBinding } from './system/key-binding.js';
import type { ClaimedTask } from './task-bodies.js';
import type { TaskOutcome } from './task-outcome.js';
import { TaskRecords } from './task-records.js';
import { Tasks } from './tasks.js';
import { WorkTask } from './work-task.js';

const by = { actorRef: 'key:club' };
const DATASETS = ['members', 'bookings', 'notes'];

describe('a task that a hold takes back after a part was done', () => {
  let base: SubjectsFixture;
  let tasks: Tasks;
  let driver: InboxDriver;
  let claims: ClaimTask;
  let work: WorkTask;

  beforeAll(async () => {
    base = await openSubjects(undefined, inboxMigrations);
    const { store, ledger, sealer, clock } = base;
    tasks = new Tasks(store, ledger.database, sealer);
    const opened = new OpenTasks(tasks, clock);
    const records = new TaskRecords(tasks, ledger.database);
    const held = { keep: async () => false } as unknown as HeldTasks;
    claims = new ClaimTask(tasks, opened, records, held, clock);
    work = new WorkTask(tasks, opened, records, { get: async () => row } as unknown as Connections, clock);
    driver = new InboxDriver(tasks, opened, records, {} as KeyBinding, clock);
  }, 60_000);
  afterAll(() => base.close());

  const config = { datasets: DATASETS.map((name) => ({ name })), answerWithinDays: 14 };
  const row = { id: newId(), kind: 'inbox', config } as unknown as ConnectionRow;
  const ofItem = (itemKey: string): { item: Item; at: Target[] } => ({
    item: { itemKey, generation: 0, ids: [{ type: 'email', value: 'ada@example.test', strength: 'verified' }] },
    at: DATASETS.map((dataset) => ({ itemKey, dataset, ref: DECLARED_REF, count: 0, action: 'erase' })),
  });
  const about = { requestId: newId(), subject: newId() as SubjectId };
  const told = async (answers: AsyncIterable<Outcome>): Promise<string[]> => {
    const all: string[] = [];
    for await (const { dataset, kind, count, note } of answers) all.push(`${dataset} ${kind} ${count} ${note}`);
    return all;
  };
  const apply = (item: Item, at: Target[]): Promise<string[]> =>
    told(driver.apply(base.tenant, row, { op: { kind: 'erasure' }, items: [item], at }, { about }));
  const claim = async (kind: 'apply' | 'verify', itemKey: string): Promise<ClaimedTask> => {
    const open = await tasks.claimable(base.tenant, row.id, new Date(), 10);
    const task = open.find((one) => one.kind === kind && one.item_key.startsWith(itemKey));
    if (!task) throw new Error(`no ${kind} task is offered`);
    return claims.take(base.tenant, task, { actorRef: 'key:club', how: 'pulled', leaseSeconds: 60 });
  };
  const say = async (
    { id, fence }: ClaimedTask,
    outcomes: TaskOutcome[],
    how: 'report' | 'complete',
  ): Promise<void> => {
    const task = await tasks.find(base.tenant, id);
    if (!task) throw new Error('no such task');
    await work[how](base.tenant, by, task, { fence, outcomes });
  };
  const giveBack = async ({ id, fence }: ClaimedTask): Promise<void> => {
    const task = await tasks.find(base.tenant, id);
    if (!task) throw new Error('no such task');
    await work.release(base.tenant, by, task, { fence, reason: 'half-done', retryAfterSeconds: 0 });
  };
  /** Members are erased and the task is given back; then a hold takes it back. */
  const halfDone = async (): Promise<{ item: Item; at: Target[]; first: ClaimedTask }> => {
    const { item, at } = ofItem(newId());
    await apply(item, at);
    const first = await claim('apply', item.itemKey);
    await say(first, [{ dataset: 'members', kind: 'erased', count: 2 }], 'report');
    await giveBack(first);
    return { item, at, first };
  };
  const askedOf = ({ datasets }: ClaimedTask): string[] => datasets.map(({ name, action }) => `${name} ${action}`);

  it('is taken on where its system has said what became of it, and withdrawn where it has not', async () => {
    const { item, at } = await halfDone();
    const answers = await driver.withdraw(base.tenant, row, item.itemKey, at);
    expect(answers).toEqual(['taken-on', 'withdrawn', 'withdrawn']);
    expect(await driver.withdraw(base.tenant, row, item.itemKey, at)).toEqual(answers);
  });

  it('keeps the word that was given, after a second look, and asks the rest alone anew', async () => {
    const { item, at } = await halfDone();
    await driver.withdraw(base.tenant, row, item.itemKey, at);
    // A hold keeps the bookings.
    const free = at.filter(({ dataset }) => dataset !== 'bookings');
    await expect(told(driver.poll(base.tenant, row, null, free, { about }))).rejects.toMatchObject({
      fail: { code: 'operation-unsupported' },
    });
    expect(await apply(item, free)).toEqual(['members pending 0 reported', 'notes pending 0 offered']);
    const look = await claim('verify', item.itemKey);
    expect(askedOf(look)).toEqual(['members verify']);
    await say(look, [{ dataset: 'members', kind: 'clean', count: 0 }], 'complete');
    const rest = await claim('apply', item.itemKey);
    expect(askedOf(rest)).toEqual(['notes erase']);
    await say(rest, [{ dataset: 'notes', kind: 'erased', count: 1 }], 'complete');
    await say(await claim('verify', item.itemKey), [{ dataset: 'notes', kind: 'clean', count: 0 }], 'complete');
    expect(await apply(item, free)).toEqual(['members erased 2 self-reported', 'notes erased 1 self-reported']);
    const seen: string[] = [];
    const kept = at.map((one) => (one.dataset === 'bookings' ? { ...one, action: 'retain' as const } : one));
    for await (const { dataset, kind } of driver.verify(base.tenant, row, [item], kept))
      seen.push(`${dataset} ${kind}`);
    expect(seen).toEqual(DATASETS.map((name) => `${name} clean`));
  });

  it('asks anew of what failed, and of what its system could not do', async () => {
    const { item, at } = ofItem(newId());
    await apply(item, at);
    const first = await claim('apply', item.itemKey);
    const said: TaskOutcome[] = [
      { dataset: 'members', kind: 'failed', count: 0, retryable: true, code: 'locked' },
      { dataset: 'notes', kind: 'unsupported', count: 0 },
    ];
    await say(first, said, 'complete');
    expect(await driver.withdraw(base.tenant, row, item.itemKey, at)).toEqual(at.map(() => 'withdrawn'));
  });

  it('travels under a key that was not handed out before, the same for every claim', async () => {
    const { item, at, first } = await halfDone();
    await driver.withdraw(base.tenant, row, item.itemKey, at);
    await apply(item, at);
    const second = await claim('apply', item.itemKey);
    await giveBack(second);
    const third = await claim('apply', item.itemKey);
    expect(second.idempotencyKey).not.toBe(first.idempotencyKey);
    expect([third.id, third.idempotencyKey]).toEqual([second.id, second.idempotencyKey]);
  });

  it('keeps its key when nobody was handed it before it was taken back', async () => {
    const { item, at } = ofItem(newId());
    await apply(item, at);
    await driver.withdraw(base.tenant, row, item.itemKey, at);
    await apply(item, at);
    expect((await claim('apply', item.itemKey)).idempotencyKey).toBe(`apply:${item.itemKey}`);
  });
});
