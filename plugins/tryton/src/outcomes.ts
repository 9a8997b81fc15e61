/** Outcomes that several parts of the erasure give. */
import type { Outcome, Target } from '@lethe/plugin-sdk';
import type { Name } from './datasets.js';

const base = ({ itemKey, dataset, ref, count }: Target<Name>) => ({ itemKey, dataset, ref, count });

/** The record stays by the plan's decision. */
export const retained = (target: Target<Name>, stripped: string[] = []): Outcome<Name> => ({
  ...base(target),
  kind: 'retained',
  ruleId: target.ruleId ?? 'unnamed',
  ...(stripped.length === 0 ? {} : { stripped }),
});

/** Tryton said no, in its own words free of names. */
export const refused = (target: Target<Name>, message: string): Outcome<Name> => ({
  ...base(target),
  kind: 'refused-by-system',
  message,
});

/** The decision cannot be carried out in Tryton; trying again would not help. */
export const failed = (target: Target<Name>, code: string): Outcome<Name> => ({
  ...base(target),
  kind: 'failed',
  retryable: false,
  error: { class: 'permanent', code },
});
