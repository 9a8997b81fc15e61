/** Open requests of the same right by the same proven person. An unproven one never swallows another's. */
import { Injectable } from '@nestjs/common';
import type { TenantId } from '#kernel';
import { Database } from '#ledger';
import type { RequestState } from '../request-state.js';

/** More are never open for one person and right, or an officer looks. */
const CANDIDATES = 10;
/** Nothing was looked for yet: what this request asks for will be found with it. */
const NOT_BEGUN: readonly RequestState['status'][] = ['deciding', 'approved', 'incomplete'];

@Injectable()
export class SimilarRequests {
  constructor(private readonly database: Database) {}

  /** Open, verified requests this one may repeat, by id, the oldest first: as the list knows them, which may be late. */
  async candidates(tenant: TenantId, { id, type, subjectId, ambiguous, receivedAt }: RequestState): Promise<string[]> {
    if (ambiguous) return [];
    const { rows } = await this.database.fetch<{ id: string }>(tenant, {
      name: 'request-similar',
      text: `SELECT id FROM request_summary WHERE tenant = $1 AND subject = $2 AND type = $3 AND verified AND status <> 'closed' AND id <> $4 AND received_at <= $5
             ORDER BY received_at, id LIMIT ${CANDIDATES}`,
      values: [tenant, subjectId, type, id, receivedAt],
    });
    return rows.map((row) => row.id);
  }
}

/**
 * Whether `earlier`, as it stands, does all that `repeated` asks for: not withdrawn, not refused, not at work already (which
 * would miss what came since), and under every law that the repeated one names.
 */
export function coversRepeat(earlier: RequestState, repeated: RequestState): boolean {
  return (
    NOT_BEGUN.includes(earlier.status) &&
    earlier.steps.length === 0 &&
    earlier.withdrawn === undefined &&
    earlier.territory === repeated.territory &&
    repeated.regimes.every((regime) => earlier.regimes.includes(regime))
  );
}
