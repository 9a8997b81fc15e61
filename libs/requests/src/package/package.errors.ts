/** Refusals around packages. */
import { DomainError } from '#kernel';
import { PARTS_MISSING } from '../request.js';

export const packageExpired = (): DomainError =>
  new DomainError(
    410,
    'package-expired',
    'The package has expired and is deleted; its manifest is kept. Open a new access request if it is still needed.',
  );

export const packagePartsMissing = (): DomainError =>
  new DomainError(503, PARTS_MISSING, {
    detail:
      'What was read for this package is not in the data folder. Bring it back, and let all replicas share one; otherwise it is read again.',
    retryable: true,
  });
