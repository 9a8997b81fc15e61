/** Before an identity is erased: what the person stopped stays stopped for who comes after her, and the request tells it. */
import type { SubjectId, TenantId } from '#kernel';
import type { OwnErasure } from '../ports.js';
import { fact } from '../request.js';
import type { Requests } from '../requests.js';
import { ACTOR } from './step-run.js';

/** Told in the answer: such a mark is personal data too. */
export async function rememberStops(
  requests: Requests,
  own: OwnErasure,
  { tenant, requestId, subject }: { tenant: TenantId; requestId: string; subject: SubjectId },
): Promise<void> {
  const marks = await own.remember(tenant, subject);
  if (!marks) return;
  const events = [fact('SuppressionRecorded.v1', { requestId, ...marks })];
  await requests.change(tenant, ACTOR, requestId, () => ({ events }));
}
