/** The job that tells a system with a plugin or an inbox, and what it is told: the decision as it stands, not as it was. */
import { z } from 'zod';
import { againKey, type Job, type NewJob } from '#jobs';
import type { PublicEvent } from './event/public-event.js';
import { connectionOf, type System } from './system.js';

/** Queue of the calls into connected systems about decisions. */
export const OBEY = 'propagation-obey';

export const obeyPayload = z.strictObject({
  systemId: z.string(),
  connectionId: z.uuid(),
  subject: z.uuid(),
  purpose: z.string().nullable(),
  position: z.int(),
});
export type ObeyPayload = z.infer<typeof obeyPayload>;

/** What a job's system still owes, by its dedupe key, which can be read whatever became of the payload. */
export function debtOf(dedupeKey: string | null): { systemId: string; position: number } | undefined {
  const match = /^obey\/(.+?)\/(\d+)(?:\/again-.+)?$/.exec(dedupeKey ?? '');
  return match ? { systemId: match[1]!, position: Number(match[2]) } : undefined;
}

/** Once per decision and system; one call into a connection at a time. */
export function obeyJob(
  system: System,
  { position, subject, purpose }: Pick<PublicEvent, 'position' | 'subject' | 'purpose'>,
): NewJob {
  const connectionId = connectionOf(system) ?? '';
  return {
    queue: OBEY,
    key: connectionId,
    payload: { systemId: system.id, connectionId, subject: subject ?? '', purpose, position },
    dedupeKey: `obey/${system.id}/${position}`,
  };
}

/** The same decision for a system that is reached through another connection by now: in that one's turn. */
export function obeyElsewhere(system: System, { id, dedupeKey, payload }: Job<ObeyPayload>): NewJob {
  const job = obeyJob(system, payload);
  return { ...job, dedupeKey: againKey(dedupeKey ?? `obey/${system.id}/${payload.position}`, id) };
}
