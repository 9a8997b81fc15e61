/** Who is known by these identifiers, for an officer or a system that may read people: several when they are not linked. */
import { z } from 'zod';
import type { SubjectId } from '#kernel';
import type { Caller } from '#platform';
import { People } from './people.js';
import { Subjects } from './subjects.js';

export const FindSubjectsBody = z
  .strictObject({
    identifiers: z
      .array(z.strictObject({ type: z.string(), value: z.string() }))
      .min(1)
      .max(20),
  })
  .meta({ id: 'FindSubjects' });

const identifier = z.strictObject({
  id: z.uuid(),
  subjectId: z.uuid(),
  type: z.string(),
  value: z.string().nullable(),
  strength: z.enum(['claimed', 'verified']),
  addedAt: z.iso.datetime(),
});

/** `value: null`: it can no longer be read. */
export const FoundSubjects = z
  .strictObject({
    items: z.array(
      z.strictObject({
        subjectId: z.uuid(),
        aliases: z.array(z.uuid()),
        status: z.enum(['active', 'restricted', 'erased']),
        identifiers: z.array(identifier),
      }),
    ),
  })
  .meta({ id: 'FoundSubjects' });

export class FindSubjects {
  constructor(
    private readonly subjects: Subjects,
    private readonly people: People,
  ) {}

  async find(by: Caller, body: z.infer<typeof FindSubjectsBody>): Promise<z.infer<typeof FoundSubjects>> {
    const found = await this.subjects.lookup(by.tenant, body.identifiers, '/identifiers');
    return { items: await Promise.all(found.map((subject) => this.describe(by, subject))) };
  }

  private async describe(by: Caller, subjectId: SubjectId): Promise<z.infer<typeof FoundSubjects>['items'][number]> {
    const { aliases, status } = await this.people.get(by.tenant, subjectId);
    const known = (await Promise.all(aliases.map((alias) => this.people.identifiersOf(by.tenant, alias)))).flat();
    for (const alias of aliases) by.saw(alias, 'identifiers');
    const identifiers = known.map(({ id, subject, type, value, strength, addedAt }) => ({
      ...{ id, subjectId: subject, type, strength },
      value: value ?? null,
      addedAt: addedAt.toISOString(),
    }));
    return { subjectId, aliases, status, identifiers };
  }
}
