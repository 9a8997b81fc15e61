/** What a consent must satisfy beyond its shape: known purpose, published notice that names it, a plausible time. */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '#kernel';
import { CLOCK, type Caller } from '#platform';
import {
  collectedInFuture,
  noticeDoesNotCover,
  noticeUnknown,
  notApplicable,
  purposeUnknown,
} from './consent.errors.js';
import type { Notice, Purpose } from './purpose.js';
import { Purposes } from './purposes.js';
import type { RecordConsentInput } from './consent-input.js';

const FUTURE_MS = 5 * 60_000;

@Injectable()
export class ConsentRules {
  constructor(
    private readonly purposes: Purposes,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async check(
    by: Caller,
    body: RecordConsentInput,
  ): Promise<{ notice: Notice; purposes: Purpose[]; collectedAt: string }> {
    const collected = this.collected(body);
    const notice = await this.purposes.notice(by.tenant, body.notice.id, body.notice.version);
    if (!notice) throw noticeUnknown();
    const purposes: Purpose[] = [];
    for (const [index, { purpose: id }] of body.decisions.entries()) {
      const purpose = await this.purposes.find(by.tenant, id);
      if (!purpose) throw purposeUnknown(`/decisions/${index}/purpose`);
      if (!notice.purposes.includes(id)) throw noticeDoesNotCover(`/decisions/${index}/purpose`);
      if (['contract', 'legal-obligation', 'vital-interests'].includes(purpose.legalBasis))
        throw notApplicable(`/decisions/${index}/decision`);
      purposes.push(purpose);
    }
    return { notice, purposes, collectedAt: collected.toISOString() };
  }

  /**
   * A permission from the future would outlast what the person says until then. A stop is never turned away for the clock
   * of a device (GDPR 7(3)): it counts from when it is heard.
   */
  private collected({ collectedAt, decisions }: RecordConsentInput): Date {
    const [collected, now] = [new Date(collectedAt), this.clock.now()];
    if (collected.getTime() <= now.getTime() + FUTURE_MS) return collected;
    if (decisions.some(({ decision }) => decision === 'given')) throw collectedInFuture();
    return now;
  }
}
