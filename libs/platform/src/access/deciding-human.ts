/** Who may decide what takes two people: a human, vouched for by another, and there at this moment where the credential can show it. */
import { DomainError } from '#kernel';
import type { Caller } from './caller.js';

/** How old the proof that the human is there may be. */
const STEP_UP_MS = 5 * 60_000;
/** The clock of an identity provider may be this far ahead. */
const AHEAD_MS = 60_000;

/** 403: system keys and subject sessions never decide. */
export const humanNeeded = (): DomainError =>
  new DomainError(
    403,
    'human-needed',
    'Only a human of the privacy office may decide this. System keys never approve.',
  );

/** 403: nobody but its issuer has seen to it that this credential is in the right hands. */
export const credentialUnconfirmed = (): DomainError =>
  new DomainError(403, 'credential-unconfirmed', {
    detail:
      'Somebody else made this member or this token, and nobody has confirmed it. Another privacy officer confirms it first.',
  });

/** 403: authenticate again, then repeat. */
export const stepUpRequired = (): DomainError =>
  new DomainError(403, 'step-up-required', {
    detail: 'Your identity provider must have authenticated you in the last five minutes. Sign in again and repeat.',
  });

/** The human behind a caller. */
export interface Human {
  /** The id they count as. */
  humanId: string;
  /** Every id under which the same human is a member, `humanId` among them. */
  humanIds: string[];
}

/**
 * The human who proposes what a second one approves: whoever mints tokens must not be both.
 *
 * Errors: 403 `human-needed`, 403 `credential-unconfirmed`.
 */
export function vouchedHuman({ principal }: Caller): Human {
  const { kind, humanId, humanIds, vouched } = principal;
  if (kind !== 'human' || humanId === undefined) throw humanNeeded();
  if (vouched !== true) throw credentialUnconfirmed();
  return { humanId, humanIds: humanIds ?? [humanId] };
}

/**
 * The human who decides.
 *
 * Errors: as of `vouchedHuman`, and 403 `step-up-required` for credentials that carry the time of authentication (tokens of
 * an identity provider; a personal token cannot show it).
 */
export function decidingHuman(by: Caller, now: Date): Human {
  const human = vouchedHuman(by);
  const { authenticated } = by.principal;
  if (authenticated) {
    const age = authenticated.at === null ? Infinity : now.getTime() - authenticated.at.getTime();
    if (age > STEP_UP_MS || age < -AHEAD_MS) throw stepUpRequired();
  }
  return human;
}
