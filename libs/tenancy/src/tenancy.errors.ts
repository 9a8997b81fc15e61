/** Refusals of tenancy; codes never change their meaning, and no text holds a value. */
import { conflict, DomainError } from '#kernel';

/** 403: whoever made it, or whose it is, does not vouch for it. */
export const selfVouched = (): DomainError =>
  new DomainError(403, 'self-vouched', 'You made this, or it is yours. Another privacy officer has to confirm it.');

/** 403: whoever decides has left, or may not any more. */
export const placeLost = (): DomainError =>
  new DomainError(403, 'forbidden', 'Your role does not allow this any more. Somebody else of the office decides.');

/** 409: nothing is left to confirm. */
export const alreadyConfirmed = (): DomainError =>
  conflict('already-confirmed', 'It is confirmed already. Nothing is left to do.');

/** 409: whoever asked for a change does not approve it. */
export const proposerRepeated = (): DomainError =>
  conflict('approver-repeated', 'You have proposed this change. A second, different human has to approve it.');

/** 409: a proposal counts while its human may make it. */
export const proposerGone = (): DomainError =>
  conflict(
    'proposer-gone',
    'Who proposed this change has left, or is no confirmed admin any more. Cancel it, and have it proposed anew.',
  );

/** 409: the change stands elsewhere; `status` says where. */
export const changeNotNow = (status: string): DomainError =>
  conflict('setting-change-not-open', {
    detail:
      'The change does not stand where this can be done. Read the settings, and propose anew if it is still wanted.',
    extra: { status },
  });

/** 409: one change of a setting at a time. */
export const changePending = (): DomainError =>
  conflict('setting-change-pending', 'Another change of this setting is open. Cancel it first.');

/** 409: a tenant without an admin could never get one again. */
export const lastAdmin = (): DomainError =>
  conflict('last-admin', 'This is the last admin of the tenant. Make somebody else admin first.');

/** 403: a human does not decide about a request that is about themselves. */
export const ownCase = (): DomainError =>
  new DomainError(403, 'own-case', 'This case is about you. Somebody else of the privacy office decides about it.');
