/** Refusals of retention; codes never change their meaning, and no text holds a value. */
import { conflict, unprocessable, type DomainError } from '#kernel';
import type { PlanChange } from './plan/retention-plan.js';

export const policyInvalid = (pointer: string, code: string): DomainError =>
  unprocessable(code, {
    detail: SAYINGS[code] ?? 'The policy cannot be like this. See errors.',
    errors: [{ pointer, code }],
  });

const SAYINGS: Record<string, string> = {
  'duty-or-period-needed': 'A policy needs a legal duty, a period of its own, or both.',
  'strip-fields-missing': 'Name the fields that are to go.',
  'duty-unknown': 'The law engine has no such duty row. docs/rules.md has their ids.',
  'duty-of-another-class': 'The duty row is about another class of record.',
  'duty-of-another-country': 'The duty row is the law of another country.',
  'duty-not-enabled':
    'This duty row was not read in a primary source. Have counsel confirm it, then name it in overrides.enable.',
  'connection-unknown': 'There is no such connection with a connector in this tenant.',
  'dataset-unknown': 'The connection has no such dataset. Check the connection to read its datasets again.',
  'dataset-without-date': 'The table map gives this dataset no date (clockField) to count a period from.',
  'field-unknown': 'The dataset has no such field.',
};

export const groundUnknown = (): DomainError =>
  unprocessable('ground-unknown', {
    detail: 'A hold needs the rule id of an exception, e.g. gdpr-17-3-e (docs/rules.md). It is no ground in itself.',
    errors: [{ pointer: '/ground', code: 'ground-unknown' }],
  });

export const connectionMissing = (): DomainError =>
  unprocessable('connection-unknown', {
    detail: 'There is no such connection or registered system in this tenant. See GET /v1/admin/connections.',
    errors: [{ pointer: '/scope/connectionId', code: 'connection-unknown' }],
  });

export const scopeEmpty = (pointer: string, detail: string): DomainError =>
  unprocessable('hold-scope-invalid', { detail, errors: [{ pointer, code: 'hold-scope-invalid' }] });

export const reviewInPast = (): DomainError =>
  unprocessable('review-in-past', {
    detail: 'The review must lie ahead: a hold without review is kept for ever.',
    errors: [{ pointer: '/reviewOn', code: 'review-in-past' }],
  });

export const holdAlreadyReleased = (): DomainError =>
  conflict('hold-already-released', 'This hold was released before. Place a new one if it is needed again.');

export const tooManyPolicies = (): DomainError =>
  unprocessable('plan-too-wide', 'One plan takes at most 60 policies. Plan them one by one with policyId.');

export const noPolicies = (): DomainError =>
  unprocessable('policy-missing', 'There is no policy to plan. Define one with PUT /v1/retention/policies/{id}.');

export const planChanged = (changes: PlanChange[], plan: unknown): DomainError =>
  conflict('plan-changed', {
    detail: 'What would be done has changed since the plan was made. Read the new plan and approve its hash.',
    extra: { changes, plan },
  });

export const hashDiffers = (): DomainError =>
  conflict('plan-changed', 'This is not the hash of this plan. Read the plan and approve what it says.');

export const planExpired = (): DomainError =>
  conflict('plan-expired', 'The plan is older than 72 hours. Make a new one and approve that.');

export const planUnconfirmed = (silent: { connectionId: string; code: string }[]): DomainError =>
  conflict('plan-unconfirmed', {
    detail: 'A connected system did not answer, so nobody can say what is due in it. Check the connection and repeat.',
    retryable: true,
    extra: { silent },
  });

export const planApproved = (): DomainError =>
  conflict('plan-already-approved', 'This plan was approved before. Read it to see how far it is.');

export const planEmpty = (): DomainError =>
  conflict('plan-empty', 'Nothing is due in this plan, or all of it is blocked. There is nothing to approve.');

export const approverRepeated = (): DomainError =>
  conflict('approver-repeated', 'You have made this plan. A second, different human has to approve it.');

export const plannerGone = (): DomainError =>
  conflict(
    'planner-gone',
    'Who made this plan has left, or is no confirmed officer any more. Make a new plan; a second, different human approves it.',
  );

export const releaserDecided = (): DomainError =>
  conflict(
    'approver-repeated',
    'You have attested or approved what this hold keeps. A different human has to release it.',
  );
