/** An officer's recorded judgement that something found is not this person's. */
import type { TenantId } from '#kernel';
import type { CaseFile } from '../case-file.js';
import type { Located } from '../step/connected.js';
import type { RequestState } from '../request-state.js';
import { notePlace } from '../request.js';

/** `ref` leaves one record out, whatever it is; `dataset` leaves out its doubtful records; `identifierType` is not used there at all. */
export interface OpenExclusion {
  connectionId: string;
  dataset?: string;
  identifierType?: string;
  ref?: string;
}

/** Place of an excluded reference's ciphertext. */
export const exclusionPlace = (requestId: string, exclusionId: string): string =>
  notePlace(requestId, `exclusion/${exclusionId}`);

export function exclusionsOf(file: CaseFile, tenant: TenantId, state: RequestState): Promise<OpenExclusion[]> {
  return Promise.all(
    state.exclusions.map(async ({ exclusionId, connectionId, dataset, identifierType, ref }) => ({
      connectionId,
      ...(dataset === undefined ? {} : { dataset }),
      ...(identifierType === undefined ? {} : { identifierType }),
      ...(ref === undefined
        ? {}
        : { ref: await file.open<string>(tenant, ref, exclusionPlace(state.id, exclusionId)) }),
    })),
  );
}

/** A record that is certainly the person's can only be left out one by one. */
export function isExcluded(
  exclusions: readonly OpenExclusion[],
  connectionId: string,
  record: Located,
  doubtful: boolean,
): boolean {
  return exclusions.some((one) => {
    if (one.connectionId !== connectionId || one.identifierType !== undefined) return false;
    if (one.dataset !== undefined && one.dataset !== record.dataset) return false;
    return one.ref === undefined ? doubtful : one.ref === record.ref;
  });
}
