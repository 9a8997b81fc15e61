/** Open requests of the same right by the same proven person. An unproven one never swallows another's. */
import { Injectable } from '@nestjs/common';
import type { TenantId } from '#kernel';
import { Database } from '#ledger';
import type { RequestState } from '../request-state.js';

@Injectable()
export class SimilarRequests {
  constructor(private readonly database: Database) {}

  /** The oldest open, verified request this one repeats; undefined when there is none. The earlier receipt survives. */
  async verified(
    tenant: TenantId,
    { id, type, subjectId, ambiguous, receivedAt }: RequestState,
  ): Promise<string | undefined> {
    if (ambiguous) return undefined;
    const { rows } = await this.database.fetch<{ id: string }>(tenant, {
      name: 'request-similar',
      text: `SELECT id FROM request_summary WHERE tenant = $1 AND subject = $2 AND type = $3 AND verified AND status <> 'closed' AND id <> $4 AND received_at <= $5
             ORDER BY received_at, id LIMIT 1`,
      values: [tenant, subjectId, type, id, receivedAt],
    });
    return rows[0]?.id;
  }
}
