/** Whether somebody's case files are needed still: her requests share one key, which must not end with the first of them. */
import { Injectable } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import type { CivilDate } from '#law';
import { Subscriptions } from '#ledger';
import { LETHE_ITSELF } from '../request.js';
import type { AftercareState, RequestState } from '../request-state.js';
import { Requests } from '../requests.js';

const LIST = 'request-summary';
const PATIENCE_MS = 5_000;

@Injectable()
export class CaseFiles {
  constructor(
    private readonly requests: Requests,
    private readonly subscriptions: Subscriptions,
  ) {}

  /**
   * True while a request of one of these people is open, keeps records that only its sealed list finds again, or
   * was promised to be kept longer than `until`. Also true while the list of requests is behind: a key cannot be undone.
   */
  async areNeeded(tenant: TenantId, people: readonly SubjectId[], until: CivilDate | null): Promise<boolean> {
    const { size } = await this.requests.store.head(tenant);
    if (!(await this.subscriptions.caughtUp(tenant, LIST, size - 1, PATIENCE_MS))) return true;
    const { rows } = await this.requests.store.database.fetch<{ id: string }>(tenant, {
      name: 'requests-of-people',
      text: 'SELECT id FROM request_summary WHERE tenant = $1 AND subject = ANY($2::uuid[]) ORDER BY id',
      values: [tenant, people],
    });
    for (const { id } of rows) {
      const state = await this.requests.load(tenant, id);
      if (needsCaseFile(state) || keptLonger(state, until)) return true;
    }
    return false;
  }
}

/** Open, or with records that are to go one day, anywhere: only the sealed list of a file finds them again. */
export function needsCaseFile(state: RequestState): boolean {
  return state.status !== 'closed' || state.aftercare.some((one) => one.done === undefined && !isCaseFile(one));
}

/** The group that is the file itself: it goes last. */
export function isCaseFile({ connectionId, dataset }: Pick<AftercareState, 'connectionId' | 'dataset'>): boolean {
  return connectionId === LETHE_ITSELF && dataset === 'cases';
}

function keptLonger({ aftercare }: RequestState, until: CivilDate | null): boolean {
  return aftercare.some((one) => isCaseFile(one) && one.done === undefined && (one.until ?? '') > (until ?? ''));
}
