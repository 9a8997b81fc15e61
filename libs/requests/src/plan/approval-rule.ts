/** Who may decide about a request, and how many different humans must agree. */
import { Inject, Injectable } from '@nestjs/common';
import type { TenantId } from '#kernel';
import { decidingHuman, type Caller } from '#platform';
import { MemberMarks, Members, ownCase, Settings } from '#tenancy';
import { CaseFile } from '../case-file.js';
import type { Identifier } from '../step/connected.js';
import type { RequestState } from '../request-state.js';
import type { PlanChange } from './plan.js';

/** A deciding human: the pseudonym that is recorded, and all under which the same human may have decided before. */
export interface Decider {
  humanRef: string;
  humanRefs: string[];
}

@Injectable()
export class ApprovalRule {
  constructor(
    private readonly file: CaseFile,
    @Inject(Settings) private readonly settings: Pick<Settings, 'at'>,
    @Inject(MemberMarks) private readonly marks: Pick<MemberMarks, 'own'>,
    @Inject(Members) private readonly members: Pick<Members, 'approvers' | 'expecting'>,
  ) {}

  /** Errors: 403 `human-needed`, `credential-unconfirmed`, `step-up-required`. */
  decider(by: Caller, now: Date): Decider {
    const { humanId, humanIds } = decidingHuman(by, now);
    const ref = (one: string): string => this.file.humanRef(by.tenant, one);
    return { humanRef: ref(humanId), humanRefs: humanIds.map(ref) };
  }

  /**
   * Two for an erasure, unless the tenant has decided otherwise, by two people and a day before: for a plan that was made
   * under the rule the rule still holds.
   */
  async needed(tenant: TenantId, type: RequestState['type'], madeAt: Date, now: Date): Promise<number> {
    if (type !== 'erasure') return 1;
    const values = await Promise.all([madeAt, now].map((at) => this.settings.at(tenant, 'two-person-erasure', at)));
    return values.every((value) => value === 'off') ? 1 : 2;
  }

  /** Those of these pseudonyms whose humans may still decide: who has left, or approves no more, is no second human. */
  async standing(tenant: TenantId, humanRefs: readonly string[]): Promise<string[]> {
    if (humanRefs.length === 0) return [];
    const here = new Set((await this.members.approvers(tenant)).map((one) => this.file.humanRef(tenant, one)));
    return humanRefs.filter((one) => here.has(one));
  }

  /** `approver-gone` when an approval of the plan counts no more: it is approved anew. */
  async gone(tenant: TenantId, { approvals }: RequestState): Promise<PlanChange[]> {
    const refs = approvals.map(({ humanRef }) => humanRef);
    return (await this.standing(tenant, refs)).length < refs.length ? [{ code: 'approver-gone' }] : [];
  }

  /** What the append of an approval expects: who leaves while it is on its way approves nothing. Errors: 403 `forbidden`. */
  placeOf({ tenant, principal }: Caller): Promise<Record<string, number>> {
    return this.members.expecting(tenant, principal.id, 'approve', 'Request');
  }

  /** 403 `own-case`: the request is about the human who decides. `found`: what a search has found to be theirs too. */
  async assertNotOwnCase(by: Caller, state: RequestState, found: readonly Identifier[] = []): Promise<void> {
    const { humanIds = [] } = by.principal;
    const known = [...(await this.file.identifiers(by.tenant, state)), ...found];
    const own = known.map(({ type, value }) => ({ type, value }));
    if (await this.marks.own(by.tenant, humanIds, own)) throw ownCase();
  }
}
