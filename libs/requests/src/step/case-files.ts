/** How long a case file is needed, and its end: each has a key of its own, which is destroyed when nothing needs it. */
import { Injectable } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import type { CivilDate } from '#law';
import { Subscriptions } from '#ledger';
import { keyClasses } from '#subjects';
import { isLookedAfter } from '../course/request-jobs.js';
import { CaseFile } from '../case-file.js';
import { OwnRecords } from '../opening/own-records.js';
import { OwnErasure } from '../ports.js';
import { fact, LETHE_ITSELF } from '../request.js';
import type { AftercareState, RequestState } from '../request-state.js';
import { Requests } from '../requests.js';
import { ACTOR } from './step-run.js';

const LIST = 'request-summary';
const PATIENCE_MS = 5_000;
/** Identifiers of one search. */
const AT_ONCE = 20;

@Injectable()
export class CaseFiles {
  constructor(
    private readonly requests: Requests,
    private readonly subscriptions: Subscriptions,
    private readonly own: OwnErasure,
    private readonly file: CaseFile,
    private readonly records: OwnRecords,
  ) {}

  /** Says first that the file ends, so that nobody begins anew with it (false: it is needed after all); then `destroy` it. */
  async announceEnd(tenant: TenantId, { id, closedAt }: RequestState): Promise<boolean> {
    const isNeeded = (now: RequestState): boolean => needsCaseFile(now) || now.closedAt !== closedAt;
    const state = await this.requests.change(tenant, ACTOR, id, (now) => {
      const keyHolders = fileKeys(now);
      if (now.fileEnded || isNeeded(now) || keyHolders.length === 0) return undefined;
      return { events: [fact('CaseFileEnded.v1', { requestId: id, keyHolders })] };
    });
    return state.fileEnded === true || (fileKeys(state).length === 0 && !isNeeded(state));
  }

  /** A repeat changes nothing. */
  async destroy(tenant: TenantId, state: RequestState): Promise<void> {
    for (const holder of fileKeys(state)) await this.own.eraseFile(tenant, holder);
  }

  /** Everybody a hold may name to keep the file: whom it was opened for, whose keys go, who holds its identifiers today. */
  async peopleOf(tenant: TenantId, state: RequestState): Promise<SubjectId[]> {
    const named = state.aftercare.flatMap(({ subjects = [] }) => subjects as SubjectId[]);
    const identifiers = await this.file.identifiersLeft(tenant, state);
    const today: SubjectId[] = [];
    for (let from = 0; from < identifiers.length; from += AT_ONCE)
      today.push(...(await this.records.everybody(tenant, identifiers.slice(from, from + AT_ONCE))));
    return [...new Set([state.subjectId, ...named, ...today])];
  }

  /**
   * Whether the people's own keys are needed: true while a request of one of them is open or keeps records that are to go,
   * for its tasks are sealed under them; and for files of before, which are too, while one was promised to be kept longer than
   * `until`. Also true while the list of requests is behind.
   */
  async areNeeded(tenant: TenantId, people: readonly SubjectId[], until: CivilDate | null): Promise<boolean> {
    const found = await this.requestsOf(tenant, people);
    const isOld = ({ keyHolder, subjectId }: RequestState): boolean => keyHolder === subjectId;
    return !found || found.some((one) => needsCaseFile(one) || (isOld(one) && keptLonger(one, until)));
  }

  /** Whether more than ended requests knows the person of this one; undefined while the list is behind. A stand-in is nobody. */
  async isKnown(tenant: TenantId, { subjectId, ambiguous }: RequestState): Promise<boolean | undefined> {
    if (ambiguous || (await this.own.isKnown(tenant, subjectId))) return true;
    return (await this.requestsOf(tenant, [subjectId]))?.some(({ fileEnded }) => !fileEnded);
  }

  /** Every key of hers: what reaches a replica that still finds her is refused, and not kept where nobody finds it. */
  forget(tenant: TenantId, person: SubjectId): Promise<void> {
    return this.own.erase(tenant, person, keyClasses);
  }

  /** Undefined while the list of requests is behind: a key cannot be undone. */
  private async requestsOf(tenant: TenantId, people: readonly SubjectId[]): Promise<RequestState[] | undefined> {
    const { store } = this.requests;
    const { size } = await store.head(tenant);
    if (!(await this.subscriptions.caughtUp(tenant, LIST, size - 1, PATIENCE_MS))) return undefined;
    const { rows } = await store.database.fetch<{ id: string }>(tenant, {
      name: 'requests-of-people',
      text: 'SELECT id FROM request_summary WHERE tenant = $1 AND subject = ANY($2::uuid[]) ORDER BY id',
      values: [tenant, people],
    });
    const found: RequestState[] = [];
    for (const { id } of rows) found.push(await this.requests.load(tenant, id));
    return found;
  }
}

/**
 * The keys that are this file's alone: the request's own, and that of the stand-in of an ambiguous one, who is nobody. None for
 * a file of before: its key is the person's.
 */
function fileKeys({ keyHolder, subjectId, ambiguous }: RequestState): SubjectId[] {
  return [...new Set([keyHolder, subjectId])].filter((holder) => holder !== subjectId || ambiguous);
}

/**
 * Open, or with records that are to go by themselves one day, anywhere: only the sealed list of a file finds them again. What
 * only a human can lift has no day, and keeps no file for ever.
 */
export function needsCaseFile({ status, aftercare }: RequestState): boolean {
  return status !== 'closed' || aftercare.some((one) => isToGo(one) && !isCaseFile(one));
}

/** A kept group that is looked after and has not ended. */
export function isToGo(care: AftercareState): boolean {
  return care.done === undefined && isLookedAfter(care);
}

/** The group that is the file itself: it goes last. */
export function isCaseFile({ connectionId, dataset }: Pick<AftercareState, 'connectionId' | 'dataset'>): boolean {
  return connectionId === LETHE_ITSELF && dataset === 'cases';
}

function keptLonger({ aftercare }: RequestState, until: CivilDate | null): boolean {
  return aftercare.some((one) => isCaseFile(one) && one.done === undefined && (one.until ?? '') > (until ?? ''));
}
