/** A retention policy: how long a dataset's records are kept, by a legal duty or by the controller's own period. Pure. */
import { z } from 'zod';
import { declareEvents } from '#ledger';
import { addDays, addMonths, DUTY_ROWS, dutyById, dutyUntil, type CivilDate, type DutyRow } from '#law';

/** Policies, and duty rows that wait for counsel until a human enables them, are administration: facts with before and after. */
export const policyEvents = declareEvents('RetentionPolicyDefined.v1', 'DutyRowEnabled.v1');

const PERIOD = /^P(?=\d)(?:(\d{1,2})Y)?(?:(\d{1,3})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?$/;

/** Ids of policies are the client's own slugs. */
export const PolicyId = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/);

export const PolicyBody = z
  .strictObject({
    connectionId: z.uuid(),
    dataset: z.string().min(1).max(200),
    /** A row of the law engine; it keeps the records also against an erasure request. */
    duty: z
      .strictObject({
        dutyId: z.string().regex(/^[a-z0-9-]{1,60}$/),
        recordClass: z.string().regex(/^[a-z-]{1,60}$/),
        country: z.string().regex(/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/),
      })
      .optional(),
    /** ISO 8601 in years, months, weeks, days, from the record's date: the controller's own period (GDPR 5(1)(e)). */
    period: z.string().regex(PERIOD).optional(),
    action: z.enum(['erase', 'anonymise', 'strip']),
    /** For `strip`: the fields that go. With a duty: the fields it does not cover, which an erasure request may take at once. */
    stripFields: z.array(z.string().min(1).max(200)).max(200).default([]),
    /** Duty rows that were not read in a primary source stay off until a human enables them here, knowingly. */
    overrides: z
      .strictObject({
        enable: z
          .array(z.string().regex(/^[a-z0-9-]{1,60}$/))
          .max(10)
          .default([]),
      })
      .optional(),
  })
  .meta({ id: 'RetentionPolicyDefinition' });

export const PolicyView = z
  .strictObject({ id: PolicyId, version: z.number().int(), ...PolicyBody.shape })
  .meta({ id: 'RetentionPolicy' });

export type Policy = z.infer<typeof PolicyView>;
export type PolicyDefinition = z.infer<typeof PolicyBody>;

export const policyStream = (id: string): string => `retention-policy/${id}`;
export const dutyRowStream = (id: string): string => `law/duty/${id}`;

/** The rule that outcomes carry: the law's row, or the policy itself. */
export function ruleIdOf(policy: Pick<Policy, 'id' | 'duty'>): string {
  return policy.duty?.dutyId ?? `retention:${policy.id}`;
}

/** The duty's row; undefined for a policy without a duty, or whose row this build no longer has. */
export function dutyOf(policy: Pick<Policy, 'duty'>): DutyRow | undefined {
  return policy.duty && dutyById(policy.duty.dutyId);
}

/** Of several policies with a duty over one dataset, the one that keeps a record of this day longest. */
export function strongestDuty(policies: readonly Policy[], today: CivilDate): Policy | undefined {
  const until = (policy: Policy): CivilDate => {
    const row = dutyOf(policy);
    return row ? dutyUntil(row, today) : '';
  };
  return policies.filter(dutyOf).sort((one, other) => (until(one) > until(other) ? -1 : 1))[0];
}

/** Fields that none of these duties covers. */
export function beyondDuties(policies: readonly Policy[]): string[] {
  const [first, ...others] = policies.filter(dutyOf);
  return (first?.stripFields ?? []).filter((field) => others.every((one) => one.stripFields.includes(field)));
}

/** Last day on which a record of `date` is kept under the controller's own period. */
export function periodUntil(period: string, date: CivilDate): CivilDate {
  const [, years = '0', months = '0', weeks = '0', days = '0'] = PERIOD.exec(period) ?? [];
  return addDays(addMonths(date, Number(years) * 12 + Number(months)), Number(weeks) * 7 + Number(days));
}

/** Why a definition can't be; undefined when it can. A pointer into the body and a stable code. */
export function policyFault(body: PolicyDefinition): { pointer: string; code: string } | undefined {
  const { duty, period, action, stripFields } = body;
  if (!duty && !period) return { pointer: '/duty', code: 'duty-or-period-needed' };
  if (action === 'strip' && stripFields.length === 0) return { pointer: '/stripFields', code: 'strip-fields-missing' };
  if (!duty) return undefined;
  const row = DUTY_ROWS.find(({ id }) => id === duty.dutyId);
  if (!row) return { pointer: '/duty/dutyId', code: 'duty-unknown' };
  if (row.recordClass !== duty.recordClass) return { pointer: '/duty/recordClass', code: 'duty-of-another-class' };
  if (row.country !== duty.country && row.country !== duty.country.slice(0, 2))
    return { pointer: '/duty/country', code: 'duty-of-another-country' };
  if (row.confidence !== 'V' && !body.overrides?.enable.includes(row.id))
    return { pointer: '/overrides/enable', code: 'duty-not-enabled' };
  return undefined;
}
