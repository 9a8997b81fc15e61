/** What else knows a person whom a request has registered: a consent or objection, an access, somebody's word about her. */
import { Injectable } from '@nestjs/common';
import { AccessSearch } from '#access-log';
import { ConsentRecords } from '#consent';
import type { SubjectId, TenantId } from '#kernel';
import { People } from '#subjects';

@Injectable()
export class KnownElsewhere {
  constructor(
    private readonly people: People,
    private readonly consents: ConsentRecords,
    private readonly accesses: AccessSearch,
  ) {}

  /** Marks of what must not come back do not count: they hold a hash of the identifier, not the person, and have an end of their own. */
  async isKnown(tenant: TenantId, subject: SubjectId): Promise<boolean> {
    if (!(await this.people.isAsRegistered(tenant, subject))) return true;
    if (await this.accesses.isReported(tenant, subject)) return true;
    return (await this.consents.of(tenant, subject, true)).records.length > 0;
  }
}
