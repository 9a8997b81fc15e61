/** Places a hold: it wins over everything from the moment it is acknowledged. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { z } from 'zod';
import { newId, type JsonObject, type SubjectId } from '#kernel';
import { EventStore } from '#ledger';
import type { Caller } from '#platform';
import { People, Sealer, Subjects, type PreparedSubject } from '#subjects';
import { citationOf, holdPlace, holdPlaced, type Hold, type HoldBody, type PlacedHold } from './hold.js';
import { HoldRules } from './hold-rules.js';

type Body = z.infer<typeof HoldBody>;
type View = z.infer<typeof PlacedHold>;
type Added = Pick<PreparedSubject, 'events' | 'rows' | 'isNew'>;

export class PlaceHold extends Command<View> {
  constructor(
    readonly by: Caller,
    readonly body: Body,
    readonly now: Date,
  ) {
    super();
  }
}

@CommandHandler(PlaceHold)
export class PlaceHoldHandler implements ICommandHandler<PlaceHold> {
  constructor(
    private readonly store: EventStore,
    private readonly subjects: Subjects,
    private readonly people: People,
    private readonly sealer: Sealer,
    private readonly rules: HoldRules,
  ) {}

  async execute({ by, body, now }: PlaceHold): Promise<View> {
    await this.rules.check(by.tenant, body);
    const { subject, subjectId } = body.scope;
    if (!subject) {
      const person = (subjectId ?? null) as SubjectId | null;
      if (person) await this.people.get(by.tenant, person);
      return this.place(by, body, now, person, { events: [], rows: [], isNew: false });
    }
    // A person unknown here is registered, so that the hold also finds what comes to be known later.
    return this.subjects.record(by.tenant, subject.identifiers, { pointer: '/scope/subject/identifiers' }, (who) =>
      this.place(by, body, now, who.subject, who),
    );
  }

  private async place(by: Caller, body: Body, now: Date, person: SubjectId | null, added: Added): Promise<View> {
    const { ground, reviewOn, reason, owner, scope } = body;
    const { connectionId = null, dataset = null } = scope;
    const id = newId();
    const hold: Hold = { id, ground, reviewOn, scope: { subjectId: person, connectionId, dataset } };
    // Free text may hold a person's data: under the person's case key, or a key of the hold's own.
    const words = await this.sealer.seal(
      by.tenant,
      person ?? (id as SubjectId),
      'case',
      { reason, owner },
      holdPlace(id, 'placed'),
    );
    const view: View = {
      ...hold,
      citation: citationOf(ground),
      ...{ reason, owner, reviewDue: false, placedAt: now.toISOString(), releasedAt: null },
      newPerson: added.isNew,
    };
    // A kept answer holds no words: they are sealed.
    const kept = { ...view, reason: null, owner: null } as unknown as JsonObject;
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [...added.events, holdPlaced(hold, words)],
      rows: added.rows,
      side: async (query) => {
        await query({
          text: `INSERT INTO retention_hold (tenant, id, ground, subject, connection, dataset, words, review_on, placed_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
          values: [by.tenant, id, ground, person, connectionId, dataset, JSON.stringify(words), reviewOn, now],
        });
      },
      ...(by.idempotency ? { idempotency: by.idempotency, respond: () => ({ status: 201, body: kept }) } : {}),
    });
    by.idempotency = undefined;
    return view;
  }
}
