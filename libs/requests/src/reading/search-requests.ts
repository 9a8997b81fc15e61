/** Finds requests by state, right, due date or person; the list of what is open and overdue. */
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { TenantId } from '#kernel';
import { Database } from '#ledger';
import { KeyProvider, openCursor, sealCursor, type Caller } from '#platform';
import { Subjects } from '#subjects';

/** Cursors of this list open no other. */
const LIST = 'requests';

const identifier = z.strictObject({ type: z.string().min(1).max(40), value: z.string().min(1).max(640) });

export const SearchBody = z
  .strictObject({
    status: z.array(z.string().min(1).max(40)).min(1).max(20).optional(),
    type: z.array(z.string().min(1).max(40)).min(1).max(20).optional(),
    open: z.boolean().optional(),
    dueBefore: z.iso.date().optional(),
    subject: z.strictObject({ identifiers: z.array(identifier).min(1).max(20) }).optional(),
    subjectId: z.uuid().optional(),
    limit: z.number().int().min(1).max(500).default(50),
    cursor: z.string().min(1).max(300).optional(),
  })
  .meta({ id: 'SearchRequests' });

const Summary = z
  .strictObject({
    id: z.uuid(),
    type: z.string(),
    status: z.string(),
    resolution: z.string().nullable(),
    subjectId: z.uuid(),
    receivedAt: z.iso.datetime(),
    dueOn: z.iso.date(),
  })
  .meta({ id: 'RequestSummary' });
export const SummaryList = z
  .strictObject({ items: z.array(Summary), next: z.string().nullable() })
  .meta({ id: 'RequestSummaryList' });

type Filter = z.infer<typeof SearchBody>;
type Row = {
  id: string;
  type: string;
  status: string;
  resolution: string | null;
  subject: string;
  received_at: Date;
  due_on: string;
};

@Injectable()
export class SearchRequests {
  constructor(
    private readonly database: Database,
    private readonly subjects: Subjects,
    private readonly keys: KeyProvider,
  ) {}

  async page(by: Caller, filter: Filter): Promise<z.infer<typeof SummaryList>> {
    const people = await this.people(by.tenant, filter);
    const { cursor, limit, ...bound } = filter;
    const after =
      cursor === undefined
        ? ['0001-01-01', '00000000-0000-0000-0000-000000000000']
        : openCursor(this.keys, by, LIST, bound, cursor);
    const { rows } = await this.database.fetch<Row>(by.tenant, {
      // No name: planned with its values. A plan for any values would have to ignore every index of what may be absent.
      text: `SELECT id, type, status, resolution, subject, received_at, due_on FROM request_summary
             WHERE tenant = $1 AND ($2::text[] IS NULL OR status = ANY($2)) AND ($3::text[] IS NULL OR type = ANY($3))
               AND ($4::boolean IS NULL OR (status <> 'closed') = $4) AND ($5::date IS NULL OR due_on < $5) AND ($6::uuid[] IS NULL OR subject = ANY($6))
               AND (due_on, id) > ($7::date, $8::uuid) ORDER BY due_on, id LIMIT $9`,
      values: [
        by.tenant,
        filter.status ?? null,
        filter.type ?? null,
        filter.open ?? null,
        filter.dueBefore ?? null,
        people,
        ...after,
        limit + 1,
      ],
    });
    const items = rows.slice(0, limit).map(({ subject, received_at, due_on, ...row }) => ({
      ...row,
      subjectId: subject,
      receivedAt: received_at.toISOString(),
      dueOn: due_on,
    }));
    const last = items.at(-1);
    return {
      items,
      next: rows.length > limit && last ? sealCursor(this.keys, by, LIST, bound, [last.dueOn, last.id]) : null,
    };
  }

  private async people(tenant: TenantId, { subject, subjectId }: Filter): Promise<string[] | null> {
    if (subjectId !== undefined) return [subjectId];
    return subject === undefined ? null : this.subjects.lookup(tenant, subject.identifiers);
  }
}
