/** Links two subjects as one person: authenticated, recorded, reversible. Nothing else ever joins people. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { conflict, newId, notFound, type SubjectId } from '#kernel';
import { EventStore } from '#ledger';
import { IdentifierLookup } from './identifier-lookup.js';
import { groupMembers, People, regroup } from './people.js';
import { inOrder, linksStream, type Actor } from './subject.js';
import { SubjectErased } from './subjects.errors.js';

/** `method`: how it was established that both are the same person. */
export const LinkSubjectsBody = z
  .strictObject({ subjectIds: z.tuple([z.uuid(), z.uuid()]), method: z.enum(['code', 'attest', 'session', 'system']) })
  .meta({ id: 'LinkSubjects' });

export const LinkedSubjects = z
  .strictObject({ linkId: z.uuid(), subjectIds: z.array(z.uuid()) })
  .meta({ id: 'LinkedSubjects' });

export class LinkSubjects extends Command<z.infer<typeof LinkedSubjects>> {
  constructor(
    readonly by: Actor,
    readonly body: z.infer<typeof LinkSubjectsBody>,
  ) {
    super();
  }
}

@CommandHandler(LinkSubjects)
export class LinkSubjectsHandler implements ICommandHandler<LinkSubjects> {
  constructor(
    private readonly store: EventStore,
    private readonly identifiers: IdentifierLookup,
    private readonly people: People,
  ) {}

  async execute({ by, body }: LinkSubjects): Promise<z.infer<typeof LinkedSubjects>> {
    const [one, other] = inOrder(body.subjectIds[0] as SubjectId, body.subjectIds[1] as SubjectId);
    if (one === other)
      throw conflict('subjects-linked', 'A subject is one person with itself already. Name two subjects.');
    const linkId = newId();
    let members: SubjectId[] = [];
    let macs: Buffer[] = [];
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [
        {
          stream: linksStream,
          type: 'SubjectsLinked.v1',
          data: { linkId, subjectIds: [one, other], method: body.method },
        },
      ],
      side: async (query) => {
        const found = await groupMembers(query, by.tenant, [one, other]);
        const ends = found.filter(({ id }) => id === one || id === other);
        if (ends.length < 2) throw notFound('subject');
        if (ends.some(({ status }) => status === 'erased')) throw new SubjectErased();
        const { rowCount } = await query({
          text: `INSERT INTO subject_link (tenant, id, one, other, method, linked_at) SELECT $1, $2, $3, $4, $5, now()
                 WHERE NOT EXISTS (SELECT FROM subject_link WHERE tenant = $1 AND one = $3 AND other = $4)`,
          values: [by.tenant, linkId, one, other, body.method],
        });
        if (rowCount === 0)
          throw conflict(
            'subjects-linked',
            'These two are linked already. Unlink them first to record another method.',
          );
        members = found.map(({ id }) => id);
        macs = await regroup(query, by.tenant, members);
      },
    });
    this.identifiers.invalidate(by.tenant, macs);
    this.people.invalidate(by.tenant, members);
    return { linkId, subjectIds: [one, other] };
  }
}
