/** A plan as it is recorded: the open part in the leaf, the rest sealed; and back. */
import { newId, type JsonObject, type TenantId } from '#kernel';
import type { NewEvent } from '#ledger';
import type { PlanDraft } from './build-plan.js';
import type { CaseFile } from '../case-file.js';
import { PLAN_TTL_MS, type PlanDetails, type PlanHead } from './plan.js';
import type { PlanFact, RequestState } from '../request-state.js';
import { fact, planPlace } from '../request.js';

/** A recorded plan, opened. */
export interface ReadPlan {
  planId: string;
  hash: string;
  expiresAt: string;
  head: PlanHead;
  details: PlanDetails;
  macs: string[];
}

export async function readPlan(file: CaseFile, tenant: TenantId, plan: PlanFact): Promise<ReadPlan> {
  const details = await file.details(tenant, plan);
  const { planId, hash, expiresAt } = plan;
  return {
    planId,
    hash,
    expiresAt,
    head: plan.head as unknown as PlanHead,
    details,
    macs: details.identifiers.map((one) => one.mac),
  };
}

export async function planFact(
  file: CaseFile,
  tenant: TenantId,
  state: RequestState,
  draft: PlanDraft,
  cause: 'asked' | 'approval' | 'first-write',
  now: Date,
): Promise<NewEvent> {
  const planId = newId();
  const details = await file.seal(tenant, state, draft.details, planPlace(planId));
  const expiresAt = new Date(now.getTime() + PLAN_TTL_MS).toISOString();
  return fact('PlanMade.v1', {
    requestId: state.id,
    planId,
    hash: draft.hash,
    expiresAt,
    cause,
    head: draft.head as unknown as JsonObject,
    details,
  });
}
