/** May a purpose be pursued for a person? From the decisions on record, and from promises that are older than they are. */
import { Injectable } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import { People, Suppressions, type SuppressionMark } from '#subjects';
import { verdictOf, type Moment, type Verdict } from './consent.js';
import { ConsentRecords, type PersonRecords } from './consent-records.js';
import type { Purpose } from './purpose.js';
import { promisedFor, restsOnThePast, verdictUnder } from './suppressed.js';

@Injectable()
export class PurposeVerdicts {
  /**
   * Marks live exactly as long as the cached decisions they were read for. That is enough: a mark concerns who comes after
   * it, and an identifier that is added drops the decisions.
   */
  private readonly marks = new WeakMap<PersonRecords, Promise<readonly SuppressionMark[]>>();

  constructor(
    private readonly records: ConsentRecords,
    private readonly people: People,
    private readonly suppressions: Suppressions,
  ) {}

  /** The person to ask about; see `ConsentRecords.of`. */
  person(tenant: TenantId, subject: SubjectId, fresh = false): Promise<PersonRecords> {
    return this.records.of(tenant, subject, fresh);
  }

  /** See `ConsentRecords.erasedAt`. */
  erased(tenant: TenantId, person: PersonRecords, moment: Moment): Promise<boolean> {
    return this.records.erasedAt(tenant, person, moment);
  }

  /** @param channel undefined asks about every channel */
  async of(
    tenant: TenantId,
    person: PersonRecords,
    purpose: Purpose,
    channel: string | undefined,
    moment: Moment,
  ): Promise<Verdict> {
    const restricted = await this.records.restrictedAt(tenant, person, moment);
    const question = [purpose, person.records, restricted, channel, moment] as const;
    const verdict = verdictOf(...question);
    if (!restsOnThePast(purpose, verdict, person.records)) return verdict;
    const promised = promisedFor(purpose.id, await this.marksOf(tenant, person), moment);
    return promised ? verdictUnder(promised, ...question) : verdict;
  }

  private marksOf(tenant: TenantId, person: PersonRecords): Promise<readonly SuppressionMark[]> {
    const known = this.marks.get(person);
    if (known) return known;
    const read = this.read(tenant, person);
    this.marks.set(person, read);
    read.catch(() => this.marks.delete(person));
    return read;
  }

  private async read(tenant: TenantId, { aliases }: PersonRecords): Promise<readonly SuppressionMark[]> {
    const known = await Promise.all(aliases.map((alias) => this.people.identifiersOf(tenant, alias)));
    const readable = known
      .flat()
      .flatMap(({ type, value, addedAt }) => (value === undefined ? [] : [{ type, value, addedAt }]));
    return this.suppressions.marksOn(tenant, readable);
  }
}
