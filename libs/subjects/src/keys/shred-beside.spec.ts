/** Shredding and re-wrapping meet at the same rows: neither may stop the other. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type SubjectId } from '#kernel';
import { openSubjects, type SubjectsFixture } from '../../../../test/support/subjects-fixture.js';
import { keyClasses } from './keystore.js';
import { rotateEpoch } from './rotate-epoch.js';

const PEOPLE = 300;
let given: SubjectsFixture;
beforeAll(async () => {
  given = await openSubjects();
});
afterAll(() => given.close());

describe('people who are erased while the epoch ends', () => {
  it('are erased at once, and the epoch ends', async () => {
    const faults: string[] = [];
    for (let round = 0; round < 3; round++) {
      const people = Array.from({ length: PEOPLE }, () => newId() as SubjectId);
      // Identity first, the others later: rows lie in another order than the index of the person's keys.
      for (const keyClass of keyClasses)
        await Promise.all(people.map((one) => given.sealer.seal(given.tenant, one, keyClass, 'x', 'p')));
      const shred = async (at: number): Promise<void> => {
        for (let next = at; next < people.length; next += 4)
          await given.keyStore.shred(given.tenant, people[next]!, keyClasses).catch((error: Error) => {
            faults.push(`shred ${(error as { code?: string }).code ?? error.message}`);
          });
      };
      const rotate = async (): Promise<void> => {
        await rotateEpoch(given.keyStore).catch((error: Error) => {
          faults.push(`rotate ${(error as { code?: string }).code ?? error.message}`);
        });
      };
      await Promise.all([rotate(), ...[0, 1, 2, 3].map(shred)]);
    }
    expect(faults).toEqual([]);
    const { rows } = await given.vault.superuser.query('SELECT FROM subject_key WHERE wrapped IS NOT NULL');
    expect(rows).toHaveLength(0);
  });
});
