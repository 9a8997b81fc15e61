/** The sealed side of a request: identifiers, plans and targets under the case's own key, and the keyed hashes around them. */
import { Injectable } from '@nestjs/common';
import { DomainError, type Json, type TenantId } from '#kernel';
import { KeyProvider } from '#platform';
import { normaliseAll, Sealer, type Sealed } from '#subjects';
import type { Identifier } from './step/connected.js';
import type { KeptTarget } from './step/kept-target.js';
import type { PlanDetails } from './plan/plan.js';
import type { RequestState, StepState } from './request-state.js';
import { identifierPlaceOf, planPlace, targetsPlace } from './request.js';
import { caseUnreadable } from './requests.errors.js';

/** Whose key seals a file. */
export type FileOwner = Pick<RequestState, 'keyHolder'>;

/** An identifier of the request, opened. */
export interface OpenIdentifier extends Identifier {
  id: string;
  strength: 'claimed' | 'verified';
}

@Injectable()
export class CaseFile {
  constructor(
    private readonly sealer: Sealer,
    private readonly keys: KeyProvider,
  ) {}

  seal(tenant: TenantId, { keyHolder }: FileOwner, value: unknown, place: string): Promise<Sealed> {
    return this.sealer.seal(tenant, keyHolder, 'case', value as Json, place);
  }

  /** As `seal`, for what ends a case: said also when the file's key was destroyed. */
  sealEnd(tenant: TenantId, { keyHolder }: FileOwner, value: unknown, place: string): Promise<Sealed> {
    return this.sealer.sealAbout(tenant, keyHolder, 'case', value as Json, place);
  }

  /** Throws 410 `case-unreadable` when the key is gone. */
  async open<T>(tenant: TenantId, sealed: Sealed, place: string): Promise<T> {
    const opened = await this.sealer.open(tenant, sealed, place);
    if (!opened.readable) throw caseUnreadable();
    return opened.value as T;
  }

  identifiers(tenant: TenantId, state: RequestState): Promise<OpenIdentifier[]> {
    return Promise.all(
      state.identifiers.map(async ({ id, strength, value }) => ({
        ...(await this.open<Identifier>(tenant, value, identifierPlaceOf(id))),
        id,
        strength,
      })),
    );
  }

  /** The same, and none when the key is gone. */
  async identifiersLeft(tenant: TenantId, state: RequestState): Promise<OpenIdentifier[]> {
    try {
      return await this.identifiers(tenant, state);
    } catch (error) {
      if (error instanceof DomainError && error.code === 'case-unreadable') return [];
      throw error;
    }
  }

  details(tenant: TenantId, plan: { planId: string; details: Sealed }): Promise<PlanDetails> {
    return this.open<PlanDetails>(tenant, plan.details, planPlace(plan.planId));
  }

  /** The kept targets of a step, in the order of their indices. */
  async targets(tenant: TenantId, requestId: string, step: StepState): Promise<KeptTarget[]> {
    const parts = await Promise.all(
      step.kept.map(({ from, targets }) =>
        this.open<KeptTarget[]>(tenant, targets, targetsPlace(requestId, step.stepId, from)),
      ),
    );
    return parts.flat();
  }

  /** Keyed hash of an identifier inside a plan: comparable between plans, of no use without the key. Hex. */
  mac(tenant: TenantId, { type, value }: Identifier): string {
    return this.keys.mac(tenant, 'item', `plan|${JSON.stringify([type, value])}`).toString('hex');
  }

  /**
   * The idempotency key of one step's effect: the same for every attempt, another one after an officer's re-drive. The record's
   * reference completes it on the connector's side, where one item holds all records of the person.
   */
  itemKey(tenant: TenantId, planId: string, stepId: string, generation: number): string {
    const opKey = this.keys.mac(tenant, 'item', `op|${planId}`).toString('hex');
    return this.keys.mac(tenant, 'item', `${opKey}|${stepId}|${generation}`).toString('hex');
  }

  /** Pseudonym of a human, equal for all credentials of the same one. */
  humanRef(tenant: TenantId, humanId: string): string {
    return this.keys.mac(tenant, 'actor', `human:${humanId}`).toString('hex').slice(0, 24);
  }
}

/** The spelling that is compared; a value its type cannot read stays as it is. */
export function foldIdentifier(identifier: Identifier): Identifier {
  try {
    const [normal] = normaliseAll([identifier]);
    return normal ? { type: normal.type, value: normal.value } : identifier;
  } catch {
    return { type: identifier.type, value: identifier.value.trim() };
  }
}
