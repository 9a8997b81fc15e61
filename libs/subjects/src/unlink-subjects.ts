/** Takes a link back: the two are different people again. What was recorded meanwhile stays where it was recorded. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { conflict, notFound, type SubjectId } from '#kernel';
import { Database, EventStore } from '#ledger';
import { IdentifierLookup } from './identifier-lookup.js';
import { groupMembers, People, regroup } from './people.js';
import { linksStream, type Actor } from './subject.js';

export const UnlinkSubjectsBody = z
  .strictObject({ linkId: z.uuid(), reason: z.enum(['mistake', 'person-asked', 'fraud', 'test']) })
  .meta({ id: 'UnlinkSubjects' });

export const UnlinkedSubjects = z
  .strictObject({ linkId: z.uuid(), subjectIds: z.array(z.uuid()) })
  .meta({ id: 'UnlinkedSubjects' });

export class UnlinkSubjects extends Command<z.infer<typeof UnlinkedSubjects>> {
  constructor(
    readonly by: Actor,
    readonly body: z.infer<typeof UnlinkSubjectsBody>,
  ) {
    super();
  }
}

@CommandHandler(UnlinkSubjects)
export class UnlinkSubjectsHandler implements ICommandHandler<UnlinkSubjects> {
  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
    private readonly identifiers: IdentifierLookup,
    private readonly people: People,
  ) {}

  async execute({ by, body }: UnlinkSubjects): Promise<z.infer<typeof UnlinkedSubjects>> {
    const { linkId, reason } = body;
    const { rows } = await this.database.fetch<{ one: SubjectId; other: SubjectId }>(by.tenant, {
      text: 'SELECT one, other FROM subject_link WHERE tenant = $1 AND id = $2',
      values: [by.tenant, linkId],
    });
    if (!rows[0]) throw notFound('link');
    const subjectIds = [rows[0].one, rows[0].other];
    let members: SubjectId[] = [];
    let macs: Buffer[] = [];
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [{ stream: linksStream, type: 'SubjectsUnlinked.v1', data: { linkId, subjectIds, reason } }],
      side: async (query) => {
        const { rowCount } = await query({
          text: 'DELETE FROM subject_link WHERE tenant = $1 AND id = $2',
          values: [by.tenant, linkId],
        });
        if (rowCount === 0) throw conflict('subjects-unlinked', 'This link was taken back already.');
        members = (await groupMembers(query, by.tenant, subjectIds)).map(({ id }) => id);
        macs = await regroup(query, by.tenant, members);
      },
    });
    this.identifiers.invalidate(by.tenant, macs);
    this.people.invalidate(by.tenant, members);
    return { linkId, subjectIds };
  }
}
