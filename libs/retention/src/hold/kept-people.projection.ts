/** People whose records no retention run may take just now: restricted ones, and those who asked for a copy. */
import { Injectable } from '@nestjs/common';
import type { Projection, Query, StoredEvent } from '#ledger';

/** Reads facts of domains above and below by their names; a fact it does not know concerns nobody here. */
@Injectable()
export class KeptPeopleProjection implements Projection {
  readonly name = 'retention-kept-people';
  readonly types = new Set([
    'SubjectRestricted.v1',
    'SubjectRestrictionLifted.v1',
    'RequestReceived.v1',
    'RequestReopened.v1',
    'RequestMerged.v1',
    'RequestClosed.v1',
  ]);

  async apply(events: StoredEvent[], query: Query): Promise<void> {
    for (const { tenant, type, data } of events) {
      switch (type) {
        // GDPR 18(1): what the person or a claim needs kept is not deleted, whatever the ground of the restriction.
        case 'SubjectRestricted.v1':
          // An erased person's evidence is restricted for good; nothing of theirs is left in a connected system to keep.
          if (data['ground'] !== 'legal-duty')
            await keep(query, [tenant, data['restrictionId'], data['subjectId'], 'restriction']);
          break;
        case 'SubjectRestrictionLifted.v1':
          await rest(query, [tenant, data['restrictionId'], false]);
          break;
        // Who asks for everything must not find that the night took some of it.
        case 'RequestReceived.v1':
          if (data['type'] === 'access') await keep(query, [tenant, data['requestId'], data['subjectId'], 'request']);
          break;
        case 'RequestReopened.v1':
          await rest(query, [tenant, data['requestId'], true]);
          break;
        case 'RequestMerged.v1':
        case 'RequestClosed.v1':
          await rest(query, [tenant, data['requestId'], false]);
          break;
      }
    }
  }

  async reset(query: Query): Promise<void> {
    await query({ text: 'DELETE FROM retention_kept_person' });
  }
}

async function keep(query: Query, values: unknown[]): Promise<void> {
  await query({
    name: 'kept-person-add',
    text: `INSERT INTO retention_kept_person (tenant, id, subject, why, now) VALUES ($1, $2, $3, $4, true) ON CONFLICT DO NOTHING`,
    values,
  });
}

async function rest(query: Query, values: unknown[]): Promise<void> {
  await query({
    name: 'kept-person-set',
    text: 'UPDATE retention_kept_person SET now = $3 WHERE tenant = $1 AND id = $2',
    values,
  });
}
