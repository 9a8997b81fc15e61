/** Purposes and notices: what may be asked for, on which legal basis, and the exact text that was shown. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { declareEvents } from '#ledger';

declareEvents('PurposeDefined.v1', 'NoticePublished.v1');

/** Legal bases of GDPR 6(1)(a) to (f). */
export const legalBases = [
  'consent',
  'contract',
  'legal-obligation',
  'vital-interests',
  'public-task',
  'legitimate-interest',
] as const;

const slug = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/);
/** Ids of purposes and notices are the client's own slugs. */
export const PurposeId = slug;
/** A channel of communication, e.g. `email`, `sms`, `phone`, `post`: ePrivacy 13 treats them apart. */
export const Channel = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/);
/** ISO 8601 duration in years, months, weeks, days, e.g. `P2Y`. */
const Duration = z.string().regex(/^P(?=\d)(\d{1,3}Y)?(\d{1,4}M)?(\d{1,4}W)?(\d{1,5}D)?$/);

export const PurposeBody = z
  .strictObject({
    name: z.string().min(1).max(200),
    description: z.string().max(2000).optional(),
    legalBasis: z.enum(legalBases),
    model: z.enum(['opt-in', 'opt-out']),
    channels: z.array(Channel).min(1).max(10).optional(),
    validity: Duration.optional(),
  })
  .meta({ id: 'PurposeDefinition' });

export const PurposeView = z.strictObject({ id: PurposeId, ...PurposeBody.shape }).meta({ id: 'Purpose' });
export type Purpose = z.infer<typeof PurposeView>;

export const NoticeBody = z
  .strictObject({
    id: slug,
    version: z.string().regex(/^[A-Za-z0-9._-]{1,50}$/),
    language: z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/),
    text: z.string().min(1).max(200_000),
    purposes: z.array(slug).min(1).max(50),
  })
  .meta({ id: 'NoticeVersion' });

export const NoticeView = z
  .strictObject({ id: slug, version: z.string(), language: z.string(), purposes: z.array(slug), hash: z.string() })
  .meta({ id: 'Notice' });
export type Notice = z.infer<typeof NoticeView>;

/** Streams: one a purpose, one a notice version. */
export const purposeStream = (id: string): string => `purpose/${id}`;
export const noticeStream = (id: string, version: string): string => `notice/${id}/${version}`;

/** `sha256:<hex>` of the text's UTF-8 bytes: the version a record is pinned to. */
export function contentHash(text: string): string {
  return `sha256:${createHash('sha256').update(text, 'utf8').digest('hex')}`;
}

/** Adds an ISO 8601 duration to an instant, in UTC; month ends are kept (31 January + P1M = end of February). */
export function addDuration(instant: string, duration: string): string {
  const [, years = '0', months = '0', weeks = '0', days = '0'] =
    /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?$/.exec(duration) ?? [];
  const date = new Date(instant);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + Number(years) * 12 + Number(months));
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, lastDay) + Number(weeks) * 7 + Number(days));
  return date.toISOString();
}
