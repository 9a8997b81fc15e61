/** Judges an access by what was recorded for its time: the consent side of the access log. */
import { Inject, Injectable } from '@nestjs/common';
import { AccessVerdicts, type AccessVerdict } from '#access-log';
import type { Clock, SubjectId, TenantId } from '#kernel';
import { CLOCK } from '#platform';
import { PurposeVerdicts } from './purpose-verdicts.js';
import { Purposes } from './purposes.js';

@Injectable()
export class ConsentVerdicts extends AccessVerdicts {
  constructor(
    private readonly purposes: Purposes,
    private readonly verdicts: PurposeVerdicts,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super();
  }

  async judge(tenant: TenantId, subject: SubjectId, purpose: string, at: string): Promise<AccessVerdict> {
    const declared = await this.purposes.find(tenant, purpose);
    if (!declared) return 'undeclared-purpose';
    const person = await this.verdicts.person(tenant, subject);
    const moment = { now: this.clock.now().toISOString(), at };
    if (person.erased && (await this.verdicts.erased(tenant, person, moment))) return 'no-match';
    const { decision, basis } = await this.verdicts.of(tenant, person, declared, undefined, moment);
    if (decision === 'deny') return 'no-match';
    return basis === 'consent' ? 'matches-consent' : 'matches-declared-basis';
  }
}
