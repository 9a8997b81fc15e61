/** A held person's records are found in every system, over what stands in them; and nothing is taken while nobody can say. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, systemClock, type SubjectId, type TenantId } from '#kernel';
import { declareEvents, Subscriptions, type NewEvent } from '#ledger';
import { People, subjectStream } from '#subjects';
import { openSubjects, type SubjectsFixture } from '../../../../test/support/subjects-fixture.js';
import { HeldRecords, type Kept } from './held-records.js';
import { Holds } from './holds.js';
import { Keepers } from './keepers.js';
import { KeptPeopleProjection } from './kept-people.projection.js';
import { RetentionSystems, type PersonAsked, type PersonRecord, type RetentionSystem } from '../retention-systems.js';
import { retentionMigrations } from '../retention.migrations.js';

// Facts of a domain above, of which only the names are known here.
declareEvents('RequestReceived.v1', 'RequestClosed.v1', 'RequestReopened.v1');

const [SHOP, LAKE] = [newId(), newId()];

/** The shop knows people by e-mail and number, the lake by number alone. */
class TwoSystems extends RetentionSystems {
  down = false;
  records: (PersonRecord & { connection: string; keys: string[] })[] = [
    record(SHOP, 'customers', '1', ['email ada@example.test', 'number 77']),
    record(SHOP, 'customers', '2', ['email bob@example.test', 'number 78']),
    record(LAKE, 'visits', 'a', ['number 77']),
    record(LAKE, 'visits', 'b', ['number 78']),
    { ...record(LAKE, 'visits', 'c', ['number 77']), blockedBy: 'ambiguous-identifier' },
    { ...record(LAKE, 'visits', 'd', ['number 77']), blockedBy: 'contradicting-identifier' },
  ];

  async enabled(): Promise<RetentionSystem[]> {
    const versions = { pluginId: 'p', pluginVersion: '1', contentHash: 'h', configVersion: 1, datasets: [] };
    return [SHOP, LAKE].map((id) => ({ id, ...versions, status: 'ready' }));
  }

  override async known(): Promise<boolean> {
    return true;
  }

  async find(): Promise<undefined> {
    return undefined;
  }

  async *locate(_: TenantId, connection: string, people: PersonAsked[]): AsyncGenerator<PersonRecord> {
    if (this.down && connection === LAKE)
      throw Object.assign(new Error('down'), { fail: { class: 'transient', code: 'plugin-exited' } });
    const ids = people.flatMap((person) => person.ids.map(({ type, value }) => `${type} ${value}`));
    for (const { connection: where, keys, ...one } of this.records)
      if (where === connection && keys.some((key) => ids.includes(key))) yield one;
  }

  scan(): AsyncIterable<never> {
    throw new Error('nothing is scanned here');
  }
  apply(): AsyncIterable<never> {
    throw new Error('nothing is changed here');
  }
  verify(): AsyncIterable<never> {
    throw new Error('nothing is verified here');
  }
}

function record(
  connection: string,
  dataset: string,
  ref: string,
  keys: string[],
): PersonRecord & { connection: string; keys: string[] } {
  const found = keys.map((key) => {
    const [type = '', value = ''] = key.split(' ');
    return { type, value, strength: 'identifying' as const };
  });
  return { connection, dataset, ref, found, keys };
}

describe('records of a held person', () => {
  let base: SubjectsFixture;
  let tenant: TenantId;
  let systems: TwoSystems;
  let subscriptions: Subscriptions;
  let held: HeldRecords;
  let ada: SubjectId;

  beforeAll(async () => {
    base = await openSubjects(systemClock, retentionMigrations);
  });
  beforeEach(async () => {
    tenant = await base.newTenant();
    systems = new TwoSystems();
    subscriptions = new Subscriptions(
      base.store,
      () => Promise.resolve([tenant]),
      () => undefined,
    );
    subscriptions.project(new KeptPeopleProjection());
    subscriptions.start();
    const people = new People(base.ledger.database, base.sealer);
    const holds = new Holds(base.ledger.database, people);
    held = new HeldRecords(new Keepers(holds, base.ledger.database, base.store, subscriptions), people, systems);
    ada = await base.subjects.record(tenant, [{ type: 'email', value: 'Ada@example.test' }], {}, async (who) => {
      await base.store.append({ tenant, actorRef: 'x', events: who.events, rows: who.rows });
      return who.subject;
    });
  });
  afterEach(() => subscriptions.stop());
  afterAll(() => base.close());

  async function hold(scope: { subject?: string; connection?: string; dataset?: string }): Promise<string> {
    const id = newId();
    const { subject = null, connection = null, dataset = null } = scope;
    await base.ledger.database.transaction(tenant, (query) =>
      query({
        text: `INSERT INTO retention_hold (tenant, id, ground, subject, connection, dataset, words, review_on, placed_at)
               VALUES ($1, $2, 'gdpr-17-3-e', $3, $4, $5, '{}', '2030-01-01', now())`,
        values: [tenant, id, subject, connection, dataset],
      }),
    );
    return `hold:${id}`;
  }
  const note = (type: string, data: Record<string, string>) =>
    base.store.append({ tenant, actorRef: 'x', events: [{ stream: `request/${data['requestId']}`, type, data }] });
  const about = (type: string, data: Record<string, string>): NewEvent => ({
    stream: subjectStream(ada),
    type,
    data: { subjectId: ada, ...data },
  });
  const inLake = async (): Promise<Kept> => (await held.now(tenant)).in(LAKE, 'visits');
  const refsOf = (kept: Kept): string[] => (kept.kind === 'records' ? [...kept.refs].sort() : [kept.kind]);

  it('are found in a system that knows only what another system’s record says, doubtful ones too', async () => {
    expect(refsOf(await inLake())).toEqual([]);
    const by = await hold({ subject: ada });
    const kept = await inLake();
    expect(refsOf(kept)).toEqual(['a', 'c']);
    expect(kept.by).toEqual([by]);
    expect(refsOf(await (await held.now(tenant)).in(SHOP, 'customers'))).toEqual(['1']);
  });

  it('are all records of a dataset on hold, and none of a hold elsewhere', async () => {
    await hold({ subject: ada, connection: SHOP });
    expect(refsOf(await inLake())).toEqual([]);
    const by = await hold({ connection: LAKE, dataset: 'visits' });
    expect(await inLake()).toEqual({ kind: 'all', by: [by] });
  });

  it('stop the run while a system is silent, and only so long', async () => {
    await hold({ subject: ada });
    systems.down = true;
    const now = await held.now(tenant);
    expect(await now.in(LAKE, 'visits')).toMatchObject({ kind: 'unresolved', code: 'plugin-exited', again: true });
    systems.down = false;
    expect(refsOf(await now.in(LAKE, 'visits'))).toEqual(['a', 'c']);
  });

  it('stop the run when nobody can say who the held person is', async () => {
    await hold({ subject: newId() });
    expect(await inLake()).toMatchObject({ kind: 'unresolved', code: 'held-person-unknown' });
  });

  it('are kept while they are restricted, or asked for and not yet handed over', async () => {
    const [restrictionId, requestId] = [newId(), newId()];
    await base.store.append({
      tenant,
      actorRef: 'x',
      events: [about('SubjectRestricted.v1', { restrictionId, ground: 'claims' })],
    });
    expect((await inLake()).by).toEqual([`restriction:${restrictionId}`]);
    await note('RequestReceived.v1', { requestId, type: 'access', subjectId: ada });
    await base.store.append({
      tenant,
      actorRef: 'x',
      events: [about('SubjectRestrictionLifted.v1', { restrictionId })],
    });
    expect((await inLake()).by).toEqual([`request:${requestId}`]);
    await note('RequestClosed.v1', { requestId });
    expect(refsOf(await inLake())).toEqual([]);
    await note('RequestReopened.v1', { requestId });
    expect(refsOf(await inLake())).toEqual(['a', 'c']);
  });

  it('of a stranger who asked for a copy stop nobody else’s retention', async () => {
    await note('RequestReceived.v1', { requestId: newId(), type: 'access', subjectId: newId() });
    expect(refsOf(await inLake())).toEqual([]);
  });

  it('tell the hold that lasts longest to whoever decides about an erasure', async () => {
    await hold({ subject: ada });
    const people = new People(base.ledger.database, base.sealer);
    const holds = new Holds(base.ledger.database, people);
    const records = { subject: ada, connectionId: LAKE, dataset: 'visits' };
    expect(await holds.covering(tenant, records)).toMatchObject({
      ground: 'GDPR art. 17(3)(e)',
      reviewOn: '2030-01-01',
    });
    expect(await holds.covering(tenant, { ...records, subject: newId() as SubjectId })).toBeUndefined();
  });
});
