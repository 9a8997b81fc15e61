/** Words about people whose own key is gone end with their year, and nothing else does. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, TestClock, type SubjectId, type TenantId } from '#kernel';
import { openSubjects, type SubjectsFixture } from '../../../../test/support/subjects-fixture.js';
import { endYearKeys } from './year-keys.js';

describe('words about somebody whose key is gone', () => {
  const clock = new TestClock(new Date('2026-06-02T09:00:00Z'));
  let given: SubjectsFixture;
  beforeAll(async () => void (given = await openSubjects(clock)));
  afterAll(() => given.close());

  it('can be read for three years from the end of their year, and not longer', async () => {
    const tenant: TenantId = given.tenant;
    const { sealer, keyStore } = given;
    const [erased, living] = [newId() as SubjectId, newId() as SubjectId];
    await keyStore.shred(tenant, erased, ['case']);
    const said = (subject: SubjectId, words: string) => sealer.sealAbout(tenant, subject, 'case', words, 'release');
    const first = await said(erased, 'the claim is settled');
    const kept = await said(living, 'she is still here');
    clock.set(new Date('2027-01-02T09:00:00Z'));
    const second = await said(erased, 'the system obeyed at last');

    expect(await endYearKeys(keyStore, tenant, new Date('2030-01-01T12:00:00Z'))).toBe(0);
    expect(await sealer.open(tenant, first, 'release')).toEqual({ readable: true, value: 'the claim is settled' });
    expect(await endYearKeys(keyStore, tenant, new Date('2030-01-02T12:00:00Z'))).toBe(1);
    expect(await sealer.open(tenant, first, 'release')).toEqual({ readable: false, reason: 'shredded' });
    for (const one of [second, kept])
      expect(await sealer.open(tenant, one, 'release')).toMatchObject({ readable: true });
    expect(await endYearKeys(keyStore, tenant, new Date('2030-01-02T12:00:00Z'))).toBe(0);
  });
});
