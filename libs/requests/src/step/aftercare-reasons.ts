/** Why a kept record must stay a while longer: asked again on its day, because holds, duties and contracts change. */
import { Injectable } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import { dateInZone, dutyById, dutyUntil } from '#law';
import { CaseFiles, isCaseFile, needsCaseFile } from './case-files.js';
import { ConnectedSystems, KeepingRules, SystemCalls } from './connected-systems.js';
import type { Item } from './connected.js';
import type { KeptTarget } from './kept-target.js';
import { dayAfter, LOOK_MS } from '../course/request-jobs.js';
import { evidenceUntil } from '../evidence.js';
import { PLAN_TTL_MS } from '../plan/plan.js';
import type { AftercareState, RequestState } from '../request-state.js';
import { LETHE_ITSELF } from '../request.js';

/** When evidence ends that only a hold kept, without a day: the law keeps it as long as if there had been none. */
function evidenceEnd({ state, care }: Kept): Date | undefined {
  if (care.until !== null || care.dataset === 'identity') return undefined;
  const step = [...state.steps, ...state.formerSteps].find((one) => one.stepId === care.stepId);
  const plan = state.actedPlans.find((one) => one.planId === step?.planId);
  if (!plan) return undefined;
  const planned = new Date(Date.parse(plan.expiresAt) - PLAN_TTL_MS);
  return dayAfter(evidenceUntil(dateInZone(planned, state.timeZone)), state.timeZone);
}

/** Her other records here end on the same day as a rule: they are being erased by the file's list this very moment. */
function isBeingEmptied({ status, aftercare, timeZone }: RequestState, now: Date): boolean {
  const isDue = ({ connectionId, until, done }: AftercareState): boolean => {
    if (connectionId !== LETHE_ITSELF || done || until === null) return false;
    const since = now.getTime() - dayAfter(until, timeZone).getTime();
    return since >= 0 && since < LOOK_MS;
  };
  return status === 'closed' && aftercare.some((one) => !isCaseFile(one) && isDue(one));
}

/** A file serves every round: until the day that a later one told, or as long as evidence when it was only reopened since. */
function promisedUntil(state: RequestState, care: AftercareState): Date | undefined {
  const { aftercare, steps, closedAt, timeZone } = state;
  const told = aftercare.flatMap((one) => (isCaseFile(one) && !one.done && one !== care ? (one.until ?? []) : []));
  const isFormer = steps.every(({ stepId }) => stepId !== care.stepId);
  if (isFormer && closedAt !== undefined) told.push(evidenceUntil(dateInZone(new Date(closedAt), timeZone)));
  const last = told.sort().at(-1);
  return last === undefined ? undefined : dayAfter(last, timeZone);
}

/** One kept group with what is needed to ask about it. */
export interface Kept {
  tenant: TenantId;
  state: RequestState;
  care: AftercareState;
  targets: KeptTarget[];
  items: Item[];
  /** Whose holds count. */
  subjects: SubjectId[];
  /** Whose keys go, of Lethe's own groups. */
  people: SubjectId[];
}

const DAY = 86_400_000;
const SOON_MS = 60_000;

@Injectable()
export class AftercareReasons {
  constructor(
    readonly connected: ConnectedSystems,
    readonly calls: SystemCalls,
    private readonly rules: KeepingRules,
    private readonly files: CaseFiles,
  ) {}

  /** When to look again; undefined when nothing keeps the records any more. */
  async waitUntil(asked: Kept, now: Date): Promise<Date | undefined> {
    const { care } = asked;
    const kept = isCaseFile(care) ? await this.ofFile(asked) : asked;
    if (await this.isHeld(kept)) return new Date(now.getTime() + LOOK_MS);
    if (care.connectionId === LETHE_ITSELF) {
      const end = evidenceEnd(kept);
      if (end && end > now) return end;
      return isCaseFile(care) ? this.needed(kept, now) : undefined;
    }
    return (await this.duty(kept, now)) ?? (await this.blocked(kept, now));
  }

  /** A file is of everybody whom one of its rounds was about. */
  private async ofFile(kept: Kept): Promise<Kept> {
    const people = await this.files.peopleOf(kept.tenant, kept.state);
    return { ...kept, subjects: [...new Set([...kept.subjects, ...people])] };
  }

  /** A case file outlives what still needs it, and the words of every hold that names one of these people. */
  private async needed({ tenant, state, care, subjects, people }: Kept, now: Date): Promise<Date | undefined> {
    if (needsCaseFile(state)) return new Date(now.getTime() + (isBeingEmptied(state, now) ? SOON_MS : DAY));
    const promised = promisedUntil(state, care);
    if (promised && promised > now) return promised;
    if (await this.rules.isNamed(tenant, subjects)) return new Date(now.getTime() + LOOK_MS);
    return (await this.files.areNeeded(tenant, [...new Set([...people, state.subjectId])], care.until))
      ? new Date(now.getTime() + DAY)
      : undefined;
  }

  /** A hold wins over everything. */
  private async isHeld({ tenant, care, subjects }: Kept): Promise<boolean> {
    const { connectionId, dataset } = care;
    const holds = await Promise.all(
      subjects.map((subject) => this.rules.hold(tenant, { subject, connectionId, dataset })),
    );
    return holds.some((hold) => hold !== undefined);
  }

  /** The group goes together: the youngest record of it decides. */
  private async duty({ tenant, state, care, targets }: Kept, now: Date): Promise<Date | undefined> {
    const duty = await this.rules.duty(tenant, care.connectionId, care.dataset);
    const row = duty && dutyById(duty.dutyId);
    if (!row) return undefined;
    const today = dateInZone(now, state.timeZone);
    if (targets.some((target) => target.startsOn === undefined)) return new Date(now.getTime() + DAY);
    const last = targets
      .map((target) => dutyUntil(row, target.startsOn ?? today))
      .sort()
      .at(-1);
    return last !== undefined && last >= today ? dayAfter(last, state.timeZone) : undefined;
  }

  /** A contract, also one that began while a duty kept the record: the system itself says whether it runs. */
  private async blocked({ tenant, care, targets, items }: Kept, now: Date): Promise<Date | undefined> {
    const refs = new Set(targets.map((target) => target.ref));
    let waits = false;
    for await (const one of this.calls.locate(tenant, care.connectionId, items))
      if (one.dataset === care.dataset && refs.has(one.ref) && one.blockedBy !== undefined) waits = true;
    return waits ? new Date(now.getTime() + LOOK_MS) : undefined;
  }
}
