/** Refusals around packages. */
import { DomainError, notFound } from '#kernel';
import { PARTS_MISSING } from '../request.js';
import type { RequestState } from '../request-state.js';
import { notIssuedYet } from '../requests.errors.js';

export const packageExpired = (): DomainError =>
  new DomainError(
    410,
    'package-expired',
    'The package has expired and is deleted; its manifest is kept. Open a new access request if it is still needed.',
  );

/** 404, with the reason as far as there is one. */
export function packageMissing({ type, status }: RequestState): DomainError {
  if (type !== 'access') return new DomainError(404, 'not-found', 'Only an access request has a package.');
  return status === 'closed' ? notFound('package') : notIssuedYet('package', status);
}

export const packagePartsMissing = (): DomainError =>
  new DomainError(503, PARTS_MISSING, {
    detail:
      'What was read for this package is not in the data folder. Bring it back, and let all replicas share one; otherwise it is read again.',
    retryable: true,
  });
