/** Refusals around packages. */
import { DomainError } from '#kernel';

export const packageExpired = (): DomainError =>
  new DomainError(
    410,
    'package-expired',
    'The package has expired and is deleted; its manifest is kept. Open a new access request if it is still needed.',
  );

export const packagePartsMissing = (): DomainError =>
  new DomainError(503, 'package-parts-missing', {
    detail: 'What was read for this package is not in the data folder. Bring it back, and let all replicas share one.',
    retryable: true,
  });
