/** Refusals of consent; codes never change their meaning. */
import { unprocessable, type DomainError } from '#kernel';

export const purposeUnknown = (pointer: string): DomainError =>
  unprocessable('purpose-unknown', {
    detail: 'This purpose is not defined. Define it with PUT /v1/purposes/{id} first.',
    errors: [{ pointer, code: 'purpose-unknown' }],
  });

export const noticeUnknown = (): DomainError =>
  unprocessable('notice-unknown', {
    detail: 'This version of the notice is not published. Publish it with POST /v1/notices first.',
    errors: [{ pointer: '/notice', code: 'notice-unknown' }],
  });

export const noticeDoesNotCover = (pointer: string): DomainError =>
  unprocessable('notice-does-not-cover-purpose', {
    detail: 'The notice version does not name this purpose: a person cannot have decided on it there.',
    errors: [{ pointer, code: 'notice-does-not-cover-purpose' }],
  });

export const collectedInFuture = (): DomainError =>
  unprocessable('collected-at-in-future', {
    detail:
      'collectedAt is more than five minutes ahead. Check the clock of the source. Refusals and withdrawals sent without a permission are taken and count from now.',
    errors: [{ pointer: '/collectedAt', code: 'collected-at-in-future' }],
  });

/** A contract or a legal duty cannot be withdrawn from by a consent call (privacy practice, 10). */
export const notApplicable = (pointer: string): DomainError =>
  unprocessable('decision-not-applicable', {
    detail: 'This purpose rests on a contract or a legal duty, not on a choice of the person. Open a request instead.',
    errors: [{ pointer, code: 'decision-not-applicable' }],
  });
