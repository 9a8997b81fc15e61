/** Holds in force: what they cover. Read afresh every time: a hold placed a moment ago must stop what runs now. */
import { Injectable } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import type { CivilDate } from '#law';
import { Database } from '#ledger';
import { People } from '#subjects';
import { citationOf, covers, type Hold } from './hold.js';

/** A hold as a decision about a record names it. */
export interface CoveringHold {
  id: string;
  /** Citation of the exception it rests on, e.g. `GDPR art. 17(3)(e)`. */
  ground: string;
  reviewOn: CivilDate | null;
}

interface HoldRow {
  id: string;
  ground: string;
  subject: string | null;
  connection: string | null;
  dataset: string | null;
  review_on: CivilDate;
}

@Injectable()
export class Holds {
  constructor(
    private readonly database: Database,
    private readonly people: People,
  ) {}

  /** Holds in force, oldest first. */
  async inForce(tenant: TenantId): Promise<Hold[]> {
    const { rows } = await this.database.fetch<HoldRow>(tenant, {
      name: 'holds-in-force',
      text: `SELECT id, ground, subject, connection, dataset, review_on FROM retention_hold
             WHERE tenant = $1 AND released_at IS NULL ORDER BY id`,
      values: [tenant],
    });
    return rows.map(({ id, ground, subject, connection, dataset, review_on }) => ({
      ...{ id, ground, reviewOn: review_on },
      scope: { subjectId: subject, connectionId: connection, dataset },
    }));
  }

  /** True while a hold in force names one of these people, whatever it covers of them. */
  async name(tenant: TenantId, people: readonly SubjectId[]): Promise<boolean> {
    return (await this.inForce(tenant)).some(({ scope }) => people.some((one) => one === scope.subjectId));
  }

  /**
   * The hold that keeps this person's records in the dataset, by any alias; the one to be reviewed last when several do,
   * since the records stay at least until then. A subject nobody knows is covered by holds on the dataset alone.
   */
  async covering(
    tenant: TenantId,
    about: { subject: SubjectId; connectionId: string; dataset: string },
  ): Promise<CoveringHold | undefined> {
    const holds = await this.inForce(tenant);
    if (holds.length === 0) return undefined;
    const { subject, connectionId, dataset } = about;
    const subjects = [subject, ...(await this.people.aliasesOf(tenant, subject))];
    const [last] = holds
      .filter((hold) => covers(hold, { subjects, connectionId, dataset }))
      .sort((one, other) => (one.reviewOn > other.reviewOn ? -1 : 1));
    return last && { id: last.id, ground: citationOf(last.ground), reviewOn: last.reviewOn };
  }
}
