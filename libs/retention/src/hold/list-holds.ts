/** Holds as staff see them, with their sealed words opened. */
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { isUuid, type SubjectId } from '#kernel';
import type { CivilDate } from '#law';
import { Database } from '#ledger';
import type { Caller } from '#platform';
import { Sealer, type Sealed } from '#subjects';
import { citationOf, holdPlace, HoldView } from './hold.js';
import { RetentionRules } from '../retention-rules.js';

const PAGE = 200;

/** `next`: the id to ask on from, or null. */
export const HoldList = z
  .strictObject({ items: z.array(HoldView), next: z.uuid().nullable() })
  .meta({ id: 'HoldList' });
/** `released=true` lists those too. */
export const HoldQuery = z.strictObject({
  after: z.uuid().optional(),
  released: z.enum(['true', 'false']).default('false'),
});

interface Row {
  id: string;
  ground: string;
  subject: string | null;
  connection: string | null;
  dataset: string | null;
  words: string;
  review_on: CivilDate;
  placed_at: Date;
  released_at: Date | null;
}

@Injectable()
export class ListHolds {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
    private readonly rules: RetentionRules,
  ) {}

  async list(by: Caller, { after, released }: z.infer<typeof HoldQuery>): Promise<z.infer<typeof HoldList>> {
    const { rows } = await this.database.fetch<Row>(by.tenant, {
      name: 'holds-list',
      text: `SELECT id, ground, subject, connection, dataset, words, review_on, placed_at, released_at FROM retention_hold
             WHERE tenant = $1 AND id > $2 AND ($3 OR released_at IS NULL) ORDER BY id LIMIT ${PAGE}`,
      values: [by.tenant, after ?? '00000000-0000-0000-0000-000000000000', released === 'true'],
    });
    const today = await this.rules.today(by.tenant);
    const items = await Promise.all(rows.map((row) => this.view(by, row, today)));
    return { items, next: rows.length === PAGE ? (rows.at(-1)?.id ?? null) : null };
  }

  private async view(by: Caller, row: Row, today: CivilDate): Promise<z.infer<typeof HoldView>> {
    const { id, ground, subject, connection, dataset, review_on, placed_at, released_at } = row;
    if (subject !== null && isUuid(subject)) by.saw(subject as SubjectId, 'holds');
    const opened = await this.sealer.open(by.tenant, JSON.parse(row.words) as Sealed, holdPlace(id, 'placed'));
    const words = opened.readable ? (opened.value as { reason: string; owner: string }) : { reason: null, owner: null };
    return {
      ...{ id, ground, citation: citationOf(ground), ...words },
      scope: { subjectId: subject, connectionId: connection, dataset },
      ...{ reviewOn: review_on, reviewDue: released_at === null && review_on <= today },
      ...{ placedAt: placed_at.toISOString(), releasedAt: released_at?.toISOString() ?? null },
    };
  }
}
