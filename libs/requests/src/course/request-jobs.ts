/** The durable jobs of a request: their queues, payloads and keys. Ids only. */
import { z } from 'zod';
import type { CivilDate } from '#law';
import { dateInZone } from '#law';
import { againKey, type NewJob } from '#jobs';
import { evidenceUntil } from '../evidence.js';

const id = z.uuid();
export const beginPayload = z.strictObject({ requestId: id, planId: id });
export const stepPayload = z.strictObject({ requestId: id, stepId: id });
export const answerPayload = z.strictObject({
  requestId: id,
  round: z.number().int(),
  notice: z.enum(['acknowledgement', 'extension', 'completion']).optional(),
});
export const aftercarePayload = z.strictObject({ requestId: id, aftercareId: id, once: z.literal(true).optional() });
export const certificatePayload = z.strictObject({ requestId: id });
export const filePayload = z.strictObject({ requestId: id });
export const stopPayload = z.strictObject({ requestId: id });

export const BEGIN = 'request-begin';
export const STEP = 'request-step';
export const ANSWER = 'request-answer';
export const AFTERCARE = 'request-aftercare';
export const STOP = 'request-stop';
export const FILE = 'request-file';
export const CERTIFICATE = 'request-certificate';
/** A step once more whose records were lost. Its own queue: a build before would take such a job for done. */
export const READ_AGAIN = 'request-read-again';
export const REQUEST_QUEUES = [BEGIN, STEP, READ_AGAIN, ANSWER, AFTERCARE, STOP, FILE, CERTIFICATE];

export function beginJob(requestId: string, planId: string): NewJob {
  return { queue: BEGIN, payload: { requestId, planId }, dedupeKey: `request/${requestId}/begin/${planId}` };
}

/** One connection's work; limited together with everything else that calls the connection. */
export function stepJob(requestId: string, step: { stepId: string; connectionId: string; jobId: string }): NewJob {
  const { stepId, connectionId, jobId } = step;
  return {
    id: jobId,
    queue: STEP,
    key: connectionId,
    payload: { requestId, stepId },
    dedupeKey: `request/${requestId}/step/${stepId}`,
  };
}

/** `round`: the version at which it was decided that an answer is due, so that a reopened request answers again. */
export function answerJob(requestId: string, round: number): NewJob {
  return { queue: ANSWER, payload: { requestId, round }, dedupeKey: `request/${requestId}/answer/${round}` };
}

/** A letter that does not end the matter (or ends one that is closed already): receipt, extension, done at once. */
export function noticeJob(
  requestId: string,
  notice: 'acknowledgement' | 'extension' | 'completion',
  round: number,
): NewJob {
  return {
    queue: ANSWER,
    payload: { requestId, round, notice },
    dedupeKey: `request/${requestId}/notice/${notice}-${round}`,
  };
}

/** Kept until a day, or until its reason is gone: a hold is released, a contract ends. What only a human can lift has no job. */
export function aftercareJob(
  requestId: string,
  care: { aftercareId: string; connectionId: string; ruleId: string; until: CivilDate | null },
  timeZone: string,
  now: Date,
): NewJob[] {
  const { aftercareId, connectionId, until } = care;
  if (!isLookedAfter(care)) return [];
  return [
    {
      queue: AFTERCARE,
      key: connectionId,
      payload: { requestId, aftercareId },
      runAt: until === null ? new Date(now.getTime() + LOOK_MS) : dayAfter(until, timeZone),
      dedupeKey: `request/${requestId}/aftercare/${aftercareId}`,
    },
  ];
}

/** One look now, because a hold was released; the group's own job goes on looking by itself. */
export function lookJob(
  { requestId, aftercareId, connectionId }: { requestId: string; aftercareId: string; connectionId: string },
  holdId: string,
): NewJob {
  return {
    queue: AFTERCARE,
    key: connectionId,
    payload: { requestId, aftercareId, once: true },
    // Not the part `aftercare`: when this look fails for good, the group's own job has not failed.
    dedupeKey: `request/${requestId}/look/${aftercareId}/${holdId}`,
  };
}

/** How often it is asked whether the reason is gone. */
export const LOOK_MS = 3_600_000;
/** Reasons that no system and no register can take back. */
const STANDING = ['not-met:kept-by-table-map', 'not-met:stripped-by-table-map', 'not-met:restricted', 'kept'];

/** True for a group that goes by itself, on its day or when its reason is gone: a hold, a contract, a duty without a date. */
export function isLookedAfter({ ruleId, until }: { ruleId: string; until: CivilDate | null }): boolean {
  return until !== null || !STANDING.includes(ruleId);
}

/** The certificate again, after aftercare changed what it says. */
export function certificateJob(requestId: string, changeId: string): NewJob {
  return { queue: CERTIFICATE, payload: { requestId }, dedupeKey: `request/${requestId}/certificate/${changeId}` };
}

/** `round`: the version at which a closed one was reopened. */
export function stopJob(requestId: string, runAt: Date, round?: number): NewJob {
  const part = round === undefined ? 'stop' : `stop/${round}`;
  return { queue: STOP, payload: { requestId }, runAt, dedupeKey: `request/${requestId}/${part}` };
}

/** Every file ends one day: looked at first when the shortest of them may. */
export function fileJob(requestId: string, receivedOn: CivilDate, timeZone: string): NewJob {
  const runAt = dayAfter(evidenceUntil(receivedOn), timeZone);
  return { queue: FILE, payload: { requestId }, runAt, dedupeKey: `request/${requestId}/file` };
}

/** How long after its death what Lethe owes the person is tried anew. */
const AGAIN_MS = 3_600_000;

/**
 * The job of the same part again, for parts that no officer re-drives: an answer, a notice, a stop, a certificate, the end of
 * a file, Lethe's own aftercare. The same payload gives the same mail key, so that nobody is written to twice. Undefined for other parts.
 */
export function againJob(
  { requestId, part, partId }: RequestJob,
  died: { jobId: string; at: Date },
): NewJob | undefined {
  const base = partId.replace(/\/?again-.*$/, '');
  const runAt = new Date(died.at.getTime() + AGAIN_MS);
  const dedupeKey = againKey([`request/${requestId}/${part}`, base].filter((one) => one !== '').join('/'), died.jobId);
  const job = (queue: string, payload: NewJob['payload']): NewJob => ({ queue, payload, runAt, dedupeKey });
  const notice = /^(acknowledgement|extension|completion)-(\d+)$/.exec(base);
  if (part === 'notice' && notice) return job(ANSWER, { requestId, round: Number(notice[2]), notice: notice[1]! });
  if (part === 'answer') return job(ANSWER, { requestId, round: Number(base) });
  if (part === 'certificate') return job(CERTIFICATE, { requestId });
  if (part === 'stop') return job(STOP, { requestId });
  if (part === 'file') return job(FILE, { requestId });
  return part === 'aftercare' ? job(AFTERCARE, { requestId, aftercareId: base }) : undefined;
}

/** Whose job it is, and which part of the request it does. */
export type RequestJob = { requestId: string; part: string; partId: string };

/** The request a job belongs to, by its dedupe key; undefined for other domains' jobs. */
export function requestOf(dedupeKey: string | null): RequestJob | undefined {
  const match =
    /^request\/([0-9a-f-]{36})\/(begin|step|answer|notice|aftercare|look|certificate|stop|file)(?:\/(.+))?$/.exec(
      dedupeKey ?? '',
    );
  return match ? { requestId: match[1]!, part: match[2]!, partId: match[3] ?? '' } : undefined;
}

const HOUR = 3_600_000;

/** First full hour of the day after `until` on the controller's wall: the last day itself still belongs to the duty. */
export function dayAfter(until: CivilDate, timeZone: string): Date {
  const noon = Date.parse(`${until}T12:00:00Z`);
  for (let at = noon - 12 * HOUR; ; at += HOUR) if (dateInZone(new Date(at), timeZone) > until) return new Date(at);
}
