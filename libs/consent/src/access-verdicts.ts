/** Judges an access by what was recorded for its time: the consent side of the access log. */
import { Inject, Injectable } from '@nestjs/common';
import { AccessVerdicts, type AccessVerdict } from '#access-log';
import type { Clock, SubjectId, TenantId } from '#kernel';
import { CLOCK } from '#platform';
import { verdictOf } from './consent.js';
import { ConsentRecords } from './consent-records.js';
import { Purposes } from './purposes.js';

@Injectable()
export class ConsentVerdicts extends AccessVerdicts {
  constructor(
    private readonly purposes: Purposes,
    private readonly records: ConsentRecords,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super();
  }

  async judge(tenant: TenantId, subject: SubjectId, purpose: string, at: string): Promise<AccessVerdict> {
    const declared = await this.purposes.find(tenant, purpose);
    if (!declared) return 'undeclared-purpose';
    const person = await this.records.of(tenant, subject);
    const moment = { now: this.clock.now().toISOString(), at };
    const restricted = await this.records.restrictedAt(tenant, person, moment);
    const { decision, basis } = verdictOf(declared, person.records, restricted, undefined, moment);
    if (decision === 'deny') return 'no-match';
    return basis === 'consent' ? 'matches-consent' : 'matches-declared-basis';
  }
}
