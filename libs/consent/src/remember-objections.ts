/** Before Lethe forgets a person it remembers what she stopped and would be done again once nobody knows her (GDPR 21(3)). */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock, SubjectId, TenantId } from '#kernel';
import { CLOCK } from '#platform';
import { People, Suppressions, type Identifier } from '#subjects';
import { standing } from './consent.js';
import { ConsentRecords } from './consent-records.js';
import { Purposes } from './purposes.js';

/** An objection to marketing has no end (GDPR 21(3)) and a mark about somebody unknown must have one; objecting again renews it. */
const OBJECTION_DAYS = 3_653;
const BATCH = 20;

@Injectable()
export class RememberObjections {
  constructor(
    private readonly records: ConsentRecords,
    private readonly purposes: Purposes,
    private readonly people: People,
    private readonly suppressions: Suppressions,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Marks every identifier of this subject for each purpose that she stopped and that needs no consent. To be called while
   * her identity can be read. Returns how many marks, and when they end; undefined when she stopped nothing.
   */
  async remember(tenant: TenantId, subject: SubjectId): Promise<{ count: number; until: string } | undefined> {
    return this.mark(tenant, subject, await this.readable(tenant, subject), this.clock.now());
  }

  /**
   * Runs her erasure, and marks what she stopped while it ran: it was acknowledged. `erase` says when it was first run: what
   * she says yes to as somebody new comes after it. `known`: who she was, for a repeat after a crash that cannot read it.
   */
  async during(
    tenant: TenantId,
    subject: SubjectId,
    known: readonly Identifier[],
    erase: () => Promise<Date>,
  ): Promise<void> {
    const readable = await this.readable(tenant, subject);
    const before = await erase();
    await this.mark(tenant, subject, readable.length > 0 ? readable : known, before);
  }

  private async readable(tenant: TenantId, subject: SubjectId): Promise<Identifier[]> {
    const known = await this.people.identifiersOf(tenant, subject);
    return known.flatMap(({ type, value }) => (value === undefined ? [] : [{ type, value }]));
  }

  private async mark(
    tenant: TenantId,
    subject: SubjectId,
    readable: readonly Identifier[],
    before: Date,
  ): Promise<{ count: number; until: string } | undefined> {
    const stopped = readable.length > 0 ? await this.stopped(tenant, subject) : [];
    if (stopped.length === 0) return undefined;
    const expiresAt = new Date(before.getTime() + OBJECTION_DAYS * 86_400_000);
    for (const id of stopped)
      for (let from = 0; from < readable.length; from += BATCH)
        await this.suppressions.suppress(tenant, readable.slice(from, from + BATCH), {
          ...{ scope: { kind: 'purpose', id }, before, expiresAt },
        });
    return { count: readable.length * stopped.length, until: expiresAt.toISOString() };
  }

  /** A stop of one channel counts for all: a mark knows no channels, and she can say yes to the others again. */
  private async stopped(tenant: TenantId, subject: SubjectId): Promise<string[]> {
    const { records } = await this.records.of(tenant, subject, true);
    const moment = { now: this.clock.now().toISOString() };
    const silent = (await this.purposes.all(tenant)).filter(
      ({ legalBasis, model }) =>
        legalBasis === 'legitimate-interest' ||
        legalBasis === 'public-task' ||
        (legalBasis === 'consent' && model === 'opt-out'),
    );
    return silent.flatMap(({ id }) => {
      const last = standing(
        records.filter((one) => one.purpose === id),
        undefined,
        moment,
      );
      return last && last.decision !== 'given' ? [id] : [];
    });
  }
}
