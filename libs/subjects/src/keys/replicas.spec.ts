/** The notices of shreddings in a key store that was set back: after a restore, and under replicas that live on. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type SubjectId } from '#kernel';
import { openSubjects, type SubjectsFixture } from '../../../../test/support/subjects-fixture.js';
import { KeyStore } from './keystore.js';

let given: SubjectsFixture;
beforeAll(async () => {
  given = await openSubjects();
});
afterAll(() => given.close());

const somebody = (): SubjectId => newId() as SubjectId;

const board = async (sql: string): Promise<void> => void (await given.vault.superuser.query(sql));

async function shredSome(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await given.keyStore.shred(given.tenant, somebody(), ['identity']);
}

/** A replica that has the key of `one` in memory. */
async function holder(one: SubjectId): Promise<KeyStore> {
  const replica = new KeyStore(given.vault.database, given.keys, given.clock);
  await replica.join();
  await replica.keyFor(given.tenant, one, 'identity');
  return replica;
}

describe('a key store that was set back', () => {
  it('shreds on, though its notices came back and their count did not', async () => {
    await shredSome(3);
    await board('UPDATE key_board SET seq = 0');
    const one = somebody();
    const replica = await holder(one);
    await given.keyStore.shred(given.tenant, one, ['identity']);
    expect(await replica.find(given.tenant, one, 'identity')).toEqual({ missing: 'shredded' });
    await replica.onApplicationShutdown();
  });

  it.each([
    ['with what they acknowledged', 'UPDATE key_replica SET seen_seq = (SELECT seq FROM key_board)'],
    ['and they have acknowledged since', ''],
  ])('is heard by replicas that had heard more than it knows, %s', async (_, acknowledged) => {
    await shredSome(3);
    const one = somebody();
    const replica = await holder(one);
    const notices = 'DELETE FROM key_notice WHERE seq > (SELECT seq FROM key_board)';
    await board(`UPDATE key_board SET seq = seq - 3; ${notices}; ${acknowledged}`);
    await given.keyStore.shred(given.tenant, one, ['identity']);
    expect(await replica.find(given.tenant, one, 'identity')).toEqual({ missing: 'shredded' });
    await replica.onApplicationShutdown();
  });
});
