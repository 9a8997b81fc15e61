/** Refusals around packages. */
import { DomainError } from '#kernel';

export const packageExpired = (): DomainError =>
  new DomainError(
    410,
    'package-expired',
    'The package has expired and is deleted; its manifest is kept. Open a new access request if it is still needed.',
  );
