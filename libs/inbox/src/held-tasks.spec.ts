/** Whose holds keep a task from whoever claims it: everybody's whom the plan behind it is about. */
import { describe, expect, it } from '@jest/globals';
import { newId, systemClock, type SubjectId, type TenantId } from '#kernel';
import type { Holds } from '#retention';
import { HeldTasks } from './held-tasks.js';
import type { Asked, TaskRow } from './task.js';
import type { Tasks } from './tasks.js';

describe('a task that somebody claims', () => {
  const tenant = newId() as TenantId;
  const [subject, other, stranger] = [newId(), newId(), newId()] as [SubjectId, SubjectId, SubjectId];
  const keptOf = (held: SubjectId, people?: SubjectId[]): Promise<boolean> => {
    const covering: Holds['covering'] = async (_, about) =>
      about.subject === held ? { id: 'h1', ground: 'GDPR art. 17(3)(e)', reviewOn: null } : undefined;
    const tasks = new HeldTasks({ covering } as Holds, {} as Tasks, systemClock);
    const datasets: Asked['datasets'] = [{ name: 'members', action: 'erase' }];
    const asked = { identifiers: [], datasets, ...(people ? { people } : {}) };
    return tasks.keep(tenant, { kind: 'apply', subject, connection: 'club' } as TaskRow, asked);
  };

  it.each([
    ['the subject, of a task of before', subject, undefined, true],
    ['another whom the plan is about', other, [subject, other], true],
    ['somebody else', stranger, [subject, other], false],
  ])('is kept from them by a hold on %s', async (_, held, people, kept) => {
    expect(await keptOf(held, people)).toBe(kept);
  });
});
