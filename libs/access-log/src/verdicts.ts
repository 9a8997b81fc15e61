/** Port to consent, which lies above: does an access match recorded consent or a declared basis? */
import type { SubjectId, TenantId } from '#kernel';
import type { AccessVerdict } from './access-entry.js';

/** Implemented by consent. */
export abstract class AccessVerdicts {
  /** Judged by what was recorded for the time of the access. */
  abstract judge(tenant: TenantId, subject: SubjectId, purpose: string, at: string): Promise<AccessVerdict>;
}
