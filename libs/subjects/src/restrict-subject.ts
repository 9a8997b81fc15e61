/** Restricts processing of a person's data (GDPR 18), and lifts a restriction. Several may stand at once; each is lifted alone. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { conflict, newId, type SubjectId } from '#kernel';
import { EventStore } from '#ledger';
import { People } from './people.js';
import { subjectEvent, type Actor, type RestrictionGround } from './subject.js';

/** `id` may be given by a process that must be able to repeat the command; repeating it has no second effect. */
export class RestrictSubject extends Command<{ restrictionId: string }> {
  constructor(
    readonly by: Actor,
    readonly subject: SubjectId,
    readonly ground: RestrictionGround,
    readonly id: string = newId(),
  ) {
    super();
  }
}

@CommandHandler(RestrictSubject)
export class RestrictSubjectHandler implements ICommandHandler<RestrictSubject> {
  constructor(
    private readonly store: EventStore,
    private readonly people: People,
  ) {}

  async execute({ by, subject, ground, id }: RestrictSubject): Promise<{ restrictionId: string }> {
    const person = await this.people.get(by.tenant, subject);
    if (person.restrictions.some((restriction) => restriction.id === id)) return { restrictionId: id };
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [subjectEvent(subject, 'SubjectRestricted.v1', { restrictionId: id, ground })],
      side: async (query) => {
        await query({
          text: 'INSERT INTO subject_restriction (tenant, id, subject, ground, since) VALUES ($1, $2, $3, $4, now())',
          values: [by.tenant, id, subject, ground],
        });
      },
    });
    this.people.invalidate(by.tenant, person.aliases);
    return { restrictionId: id };
  }
}

/** `noticeSentAt`: the person is told before a restriction is lifted (GDPR 18(3)). */
export class LiftRestriction extends Command<{ restrictionId: string }> {
  constructor(
    readonly by: Actor,
    readonly subject: SubjectId,
    readonly restrictionId: string,
    readonly noticeSentAt: Date,
  ) {
    super();
  }
}

@CommandHandler(LiftRestriction)
export class LiftRestrictionHandler implements ICommandHandler<LiftRestriction> {
  constructor(
    private readonly store: EventStore,
    private readonly people: People,
  ) {}

  async execute({ by, subject, restrictionId, noticeSentAt }: LiftRestriction): Promise<{ restrictionId: string }> {
    const person = await this.people.get(by.tenant, subject);
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [
        subjectEvent(subject, 'SubjectRestrictionLifted.v1', {
          restrictionId,
          noticeSentAt: noticeSentAt.toISOString(),
        }),
      ],
      side: async (query) => {
        const { rowCount } = await query({
          text: 'DELETE FROM subject_restriction WHERE tenant = $1 AND id = $2 AND subject = $3',
          values: [by.tenant, restrictionId, subject],
        });
        if (rowCount === 0)
          throw conflict(
            'restriction-not-in-force',
            'This restriction is not in force. Read the subject for those that are.',
          );
      },
    });
    this.people.invalidate(by.tenant, person.aliases);
    return { restrictionId };
  }
}
