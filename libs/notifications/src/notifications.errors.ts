/** Why a mail did not go out; no text holds an address. */
import { DomainError } from '#kernel';

export const mailUnavailable = (): DomainError =>
  new DomainError(
    503,
    'mail-unavailable',
    'No mail server is configured. Set LETHE_SMTP_URL, or print the answer as a letter and attest identities.',
  );

/** The server is down or says "later": the same call may succeed. */
export const mailNotSent = (): DomainError =>
  new DomainError(503, 'mail-not-sent', {
    detail: 'The mail server did not take the mail. Nothing was sent; repeat later.',
    retryable: true,
    retryAfter: 30,
  });

/** The server says "never" about this mailbox. */
export const mailRefused = (): DomainError =>
  new DomainError(422, 'mail-refused', 'The mail server refuses this mailbox. Use another address or a letter.');

/** Another process is sending this very mail. */
export const mailBeingSent = (): DomainError =>
  new DomainError(503, 'mail-being-sent', {
    detail: 'This mail is being sent just now. Repeat in a moment; it will not go out twice.',
    retryable: true,
    retryAfter: 5,
  });
