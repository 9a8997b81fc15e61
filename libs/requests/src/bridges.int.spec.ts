/** What a person stops while Lethe is erasing her was acknowledged: it outlives the erasure as what she stopped before. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { consentMigrations, ConsentRecords, RememberObjections, StopPurposes } from '#consent';
import { newId, type SubjectId } from '#kernel';
import { EraseIdentityHandler, People, Suppressions, type ErasedIdentity, type EraseIdentity } from '#subjects';
import { openSubjects, type SubjectsFixture } from '../../../test/support/subjects-fixture.js';
import { SubjectErasure } from './bridges.js';

const ada = { type: 'email', value: 'ada@example.test' };
const purposes = {
  all: () =>
    Promise.resolve(['news', 'offers'].map((id) => ({ id, legalBasis: 'legitimate-interest', model: 'opt-out' }))),
};

let given: SubjectsFixture;
beforeAll(async () => {
  given = await openSubjects(undefined, consentMigrations);
});
afterAll(() => given.close());

it.each([
  ['', false],
  [', also after a crash before it could be marked', true],
])(
  'an objection that comes between the look at what she stopped and her erasure is remembered%s',
  async (_, crashes) => {
    const tenant = await given.newTenant();
    const { store, sealer, keyStore, identifiers, vault, keys, clock } = given;
    const by = { tenant, actorRef: 'test' };
    const subject = await given.subjects.record(tenant, [ada], {}, async (who) => {
      await store.append({ ...by, events: who.events, rows: who.rows });
      return who.subject;
    });
    const records = new ConsentRecords(
      store.database,
      { listen: () => undefined, trusted: () => false } as never,
      store,
    );
    const people = new People(store.database, sealer);
    const suppressions = new Suppressions(vault.database, keys, clock);
    const stops = new StopPurposes(store, sealer, records, purposes as never);
    const stop = (purpose: string): Promise<unknown> =>
      stops.stop({
        ...{ ...by, subject, type: 'objection', purposes: [purpose], receivedAt: clock.now(), requestId: newId() },
      });
    let attempts = 0;
    const execute = async (command: EraseIdentity): Promise<ErasedIdentity> => {
      attempts += 1;
      if (attempts === 1) await stop('offers');
      const erased = await new EraseIdentityHandler(store, keyStore, identifiers, people).execute(command);
      if (crashes && attempts === 1) throw new Error('the process ends here');
      return erased;
    };
    const objections = new RememberObjections(records, purposes as never, people, suppressions, clock);
    const own = new SubjectErasure({ execute } as never, keyStore, objections, {} as never);
    const before = clock.now();
    await stop('news');
    expect(await own.remember(tenant, subject as SubjectId)).toMatchObject({ count: 1 });
    // What a system found may be no identifier.
    const known = [{ type: 'phone', value: 'none' }, ada];
    const erase = (): Promise<void> => own.erase(tenant, subject as SubjectId, ['identity'], known);
    if (crashes) await expect(erase()).rejects.toThrow('the process ends here');
    await erase();
    const kept = (purpose: string): Promise<boolean> =>
      suppressions.isSuppressed(tenant, ada, { purpose, dataFrom: before });
    expect([await kept('news'), await kept('offers')]).toEqual([true, true]);
  },
);
