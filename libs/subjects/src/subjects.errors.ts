/** Refusals of this domain; codes never change their meaning. */
import { DomainError, type FieldError } from '#kernel';

/** 409: the identifiers lead to more than one person. */
export class SubjectAmbiguous extends DomainError {
  constructor() {
    super(
      409,
      'subject-ambiguous',
      'These identifiers belong to different people. Send fewer identifiers, or link the people first.',
    );
  }
}

/** 409: the person was erased; nothing new is kept about them under this id. */
export class SubjectErased extends DomainError {
  constructor() {
    super(409, 'subject-erased', 'This person was erased. Register them anew by an identifier if they come back.');
  }
}

/** 422: an identifier cannot be one. Where, never what. */
export class IdentifierInvalid extends DomainError {
  constructor(errors: FieldError[]) {
    super(422, 'identifier-invalid', {
      detail:
        'An identifier cannot be read. See errors for which one and why. A telephone number is written with + and its country (E.164).',
      errors,
    });
  }
}
