/** Refusals of this domain; codes never change their meaning, and no text holds a value. */
import { conflict, DomainError, unprocessable, type JsonObject } from '#kernel';

export const typeNotAvailable = (types: readonly string[]): DomainError =>
  unprocessable('request-type-not-available', {
    detail: 'This right is not available here yet. Send one of types.',
    errors: [{ pointer: '/type', code: 'request-type-not-available' }],
    extra: { types },
  });

export const regimeUnknown = (index: number, regimes: readonly string[]): DomainError =>
  unprocessable('regime-unknown', {
    detail: 'The law engine has no such regime. Send some of regimes.',
    errors: [{ pointer: `/regimes/${index}`, code: 'regime-unknown' }],
    extra: { regimes },
  });

export const territoryInvalid = (): DomainError =>
  unprocessable('territory-invalid', {
    detail: 'Give the place as ISO 3166-2, such as DE-BE, or as a country, such as FR.',
    errors: [{ pointer: '/territory', code: 'territory-invalid' }],
  });

/** 404 that says when to come again. */
export const notIssuedYet = (what: string, status: string): DomainError =>
  new DomainError(404, 'not-found', {
    detail: `The ${what} is issued when the request closes; this one is ${status}.`,
    extra: { requestStatus: status },
  });

export const datasetUnknown = (): DomainError =>
  unprocessable('dataset-unknown', {
    detail: 'The connection has no such dataset. The plan names those with doubtful records in its blockers.',
    errors: [{ pointer: '/dataset', code: 'dataset-unknown' }],
  });

export const receivedInFuture = (): DomainError =>
  unprocessable('received-at-in-future', 'receivedAt lies in the future. Send the moment the request reached you.');

/** 409: the request stands elsewhere; `requestStatus` says where. */
export const notNow = (status: string, todo: string): DomainError =>
  conflict('request-not-ready', {
    detail: `The request does not stand where this can be done. ${todo}`,
    extra: { requestStatus: status },
  });

export const exceptionUnknown = (exceptions: string[]): DomainError =>
  unprocessable('exception-unknown', {
    detail: 'A refusal needs a rule of this right and of a regime of the request. Name one of exceptions.',
    errors: [{ pointer: '/exception', code: 'exception-unknown' }],
    extra: { exceptions },
  });

export const alreadyClosed = (): DomainError =>
  conflict('request-closed', 'The request is closed. Reopen it with a reason if something was found later.');

export const notIdentified = (): DomainError =>
  conflict(
    'request-not-identified',
    'No identifier is proven yet, and nothing of a claimed one leaves or is erased. Identify the person first.',
  );

/** 422: what is added widens what will be handed over or erased, and there is no way back. */
export const identifierNotInRequest = (): DomainError =>
  unprocessable('identifier-not-in-request', {
    detail: 'The request does not contain this identifier. Check its spelling; to add it send "add": true and a note.',
    errors: [{ pointer: '/identifier', code: 'identifier-not-in-request' }],
  });

export const codeInvalid = (): DomainError =>
  conflict('verification-code-invalid', 'The code is wrong, used, expired or was tried too often. Send a new one.');

export const planMissing = (): DomainError =>
  conflict('plan-missing', 'There is no plan to approve. Ask for one first.');

export const planExpired = (): DomainError =>
  conflict('plan-expired', 'The plan is older than 72 hours. Make a new one and approve that.');

/** 409: approve the new plan, or find out what happened. */
export const planChanged = (changes: unknown[], plan: JsonObject): DomainError =>
  conflict('plan-changed', {
    detail: 'What would be done has changed since the plan was made. Read the new plan and approve its hash.',
    extra: { changes, plan },
  });

/** 409: a system that stays silent may hold anything. */
export const planUnconfirmed = (silent: { connectionId: string; code: string }[]): DomainError =>
  conflict('plan-unconfirmed', {
    detail:
      'A connected system did not answer, so nobody can say what it holds. Check the named connections and repeat.',
    retryable: true,
    extra: { silent },
  });

export const planBlocked = (blockers: unknown[]): DomainError =>
  conflict('plan-blocked', {
    detail: 'Records in the plan may be another person’s. Prove a further identifier or exclude them, then plan again.',
    extra: { blockers },
  });

export const approverRepeated = (): DomainError =>
  conflict('approver-repeated', 'You have approved this already. A second, different human has to.');

/** Also for whoever made the failed work manual: nobody attests what he ordered. */
export const approverCannotAttest = (): DomainError =>
  conflict('approver-cannot-attest', 'Whoever approved cannot attest a search. Another privacy officer must.');

export const caseUnreadable = (): DomainError =>
  new DomainError(
    410,
    'case-unreadable',
    'The sealed part of this case can no longer be opened: its key was destroyed.',
  );
