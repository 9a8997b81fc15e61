/** Refusals of propagation; codes never change their meaning. */
import { conflict, DomainError, unprocessable } from '#kernel';

export const systemNotBound = (): DomainError =>
  new DomainError(
    403,
    'system-not-bound',
    'This key reads for no system. An admin binds it with PUT /v1/systems/{id} (channel cursor, keyId).',
  );

export const keyUnusable = (): DomainError =>
  unprocessable('key-unusable', {
    detail: 'There is no such system key with the scope events:read in force. Issue one (POST /v1/admin/api-keys).',
    errors: [{ pointer: '/keyId', code: 'key-unusable' }],
  });

/** The state of today replaces the events that led to it. */
const toSnapshot = (why: string): DomainError =>
  new DomainError(410, 'cursor-expired', {
    detail: `${why} Read the snapshot, then go on from the cursor it ends with.`,
    extra: { snapshot: '/v1/events/snapshot' },
  });

/** The cursor stands before what is kept readable. */
export const cursorExpired = (): DomainError => toSnapshot('Events this old are not served any more.');

export const cursorOfLostEvents = (): DomainError =>
  toSnapshot('The log was restored, and has lost events that this cursor may have passed.');

export const cursorOfOtherFilter = (): DomainError =>
  new DomainError(
    400,
    'cursor-invalid',
    'The cursor does not belong to this search. Begin again without one, or with the same types.',
  );

/** An acknowledgement covers everything before it: a consumer that did not ask for withdrawals has seen none. */
export const filterTooNarrow = (): DomainError =>
  unprocessable(
    'filter-too-narrow',
    'This cursor was read with types that leave out what the system must obey. Read without types, then acknowledge.',
  );

export const endpointDisabled = (): DomainError =>
  conflict('endpoint-disabled', 'The endpoint is disabled. Enable it first: then everything undelivered is sent.');

export const urlRefused = (code: string): DomainError =>
  unprocessable('url-refused', {
    detail:
      'The endpoint must be https and lead to a public address. An operator can allow exact host:port pairs (LETHE_OUTBOUND_ALLOW).',
    errors: [{ pointer: '/url', code }],
  });

export const positionNotReached = (): DomainError =>
  conflict('position-not-reached', {
    detail: 'Who must obey this decision is not known yet. Repeat shortly.',
    retryable: true,
    retryAfter: 1,
  });

export const alreadySettled = (): DomainError =>
  conflict('propagation-settled', 'This system has acknowledged this change, or a human has settled it already.');
