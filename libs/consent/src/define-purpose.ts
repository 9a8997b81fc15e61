/** Defines or changes a purpose; before and after stand in the event. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { z } from 'zod';
import { canonicalize, type JsonObject } from '#kernel';
import { EventStore } from '#ledger';
import type { Caller } from '#platform';
import { purposeStream, type Purpose, type PurposeBody } from './purpose.js';
import { Purposes } from './purposes.js';

export class DefinePurpose extends Command<Purpose> {
  constructor(
    readonly by: Caller,
    readonly id: string,
    readonly body: z.infer<typeof PurposeBody>,
  ) {
    super();
  }
}

@CommandHandler(DefinePurpose)
export class DefinePurposeHandler implements ICommandHandler<DefinePurpose> {
  constructor(
    private readonly store: EventStore,
    private readonly purposes: Purposes,
  ) {}

  async execute({ by, id, body }: DefinePurpose): Promise<Purpose> {
    const history = await this.store.load(by.tenant, purposeStream(id));
    const before = (history.at(-1)?.data['after'] ?? null) as JsonObject | null;
    const after = body as JsonObject;
    if (canonicalize(before) !== canonicalize(after)) {
      await this.store.append({
        tenant: by.tenant,
        actorRef: by.actorRef,
        events: [{ stream: purposeStream(id), type: 'PurposeDefined.v1', data: { id, before, after } }],
        expect: { [purposeStream(id)]: history.length },
        side: async (query) => {
          await query({
            text: `INSERT INTO purpose (tenant, id, definition, version) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (tenant, id) DO UPDATE SET definition = excluded.definition, version = excluded.version`,
            values: [by.tenant, id, JSON.stringify(body), history.length + 1],
          });
        },
      });
      this.purposes.forget(by.tenant);
    }
    return { id, ...body };
  }
}
