/** Refused attempts to decide alone: folded from the ledger, searched by officers, admins and auditors. */
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Database, type Projection, type Query, type StoredEvent } from '#ledger';
import { Instant, KeyProvider, openCursor, sealCursor, type ApprovalRefused, type Caller } from '#platform';

export const SearchRefusalsBody = z
  .strictObject({
    code: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,60}$/)
      .optional(),
    route: z
      .string()
      .regex(/^[a-zA-Z]{1,60}$/)
      .optional(),
    from: Instant.optional(),
    to: Instant.optional(),
    limit: z.number().int().min(1).max(500).default(50),
    cursor: z.string().max(2000).optional(),
  })
  .meta({ id: 'SearchRefusals' });

const RefusalView = z
  .strictObject({
    position: z.number().int(),
    at: z.iso.datetime(),
    /** Pseudonym of the credential's holder, as in the leaf. */
    actor: z.string(),
    /** Pseudonym of the human, equal for all their accounts and credentials; null for a system key. */
    human: z.string().nullable(),
    route: z.string(),
    code: z.string(),
    target: z.record(z.string(), z.string()),
  })
  .meta({ id: 'Refusal' });
export const RefusalPage = z
  .strictObject({ items: z.array(RefusalView), next: z.string().nullable() })
  .meta({ id: 'RefusalPage' });

export class RefusalsProjection implements Projection {
  readonly name = 'approval-refusals';
  readonly types = new Set(['ApprovalRefused.v1']);

  async apply(events: StoredEvent[], query: Query): Promise<void> {
    for (const event of events) {
      if (event.type !== 'ApprovalRefused.v1') continue;
      const { route, target, code, humanRef } = event.data as unknown as ApprovalRefused;
      await query({
        name: 'approval-refusal-add',
        text: `INSERT INTO approval_refusal (tenant, position, at, actor, human, route, code, target)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
        values: [
          ...[event.tenant, event.position, event.recordedAt, event.actorRef, humanRef, route, code],
          JSON.stringify(target),
        ],
      });
    }
  }

  async reset(query: Query): Promise<void> {
    await query({ text: 'DELETE FROM approval_refusal' });
  }
}

interface Row {
  position: string;
  at: Date;
  actor: string;
  human: string | null;
  route: string;
  code: string;
  target: string;
}

@Injectable()
export class SearchRefusals {
  constructor(
    private readonly database: Database,
    private readonly keys: KeyProvider,
  ) {}

  async page(by: Caller, body: z.infer<typeof SearchRefusalsBody>): Promise<z.infer<typeof RefusalPage>> {
    const { cursor, limit, ...filter } = body;
    const [after = '-1'] = cursor === undefined ? [] : openCursor(this.keys, by, 'refusals', filter, cursor);
    const { code = null, route = null } = filter;
    const [from, to] = [filter.from, filter.to].map((at) => (at === undefined ? null : new Date(at)));
    const { rows } = await this.database.fetch<Row>(by.tenant, {
      // No name: planned with its values. A plan for any values would have to ignore every index of what may be absent.
      text: `SELECT position, at, actor, human, route, code, target FROM approval_refusal
             WHERE tenant = $1 AND position > $2 AND ($3::text IS NULL OR code = $3) AND ($4::text IS NULL OR route = $4)
               AND ($5::timestamptz IS NULL OR at >= $5) AND ($6::timestamptz IS NULL OR at < $6)
             ORDER BY position LIMIT $7`,
      values: [by.tenant, after, code, route, from, to, limit + 1],
    });
    const items = rows.slice(0, limit).map((row) => ({
      ...{ ...row, position: Number(row.position), at: row.at.toISOString() },
      target: JSON.parse(row.target) as Record<string, string>,
    }));
    const last = items.at(-1);
    const more = rows.length > limit && last !== undefined;
    return { items, next: more ? sealCursor(this.keys, by, 'refusals', filter, [String(last.position)]) : null };
  }
}
