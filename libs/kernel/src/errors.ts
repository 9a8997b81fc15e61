/** Expected refusals, each with a stable code; mapped once to RFC 9457 problem details by the platform. */

/** Where a body is wrong: a JSON pointer (RFC 6901) and a stable code; never the value. `detail`: what is expected, in a sentence. */
export interface FieldError {
  pointer: string;
  code: string;
  detail?: string;
}

/** Everything a refusal may say. */
export interface ProblemDetails {
  /** What to do next, in one sentence, free of input values and personal data. */
  detail: string;
  errors?: FieldError[];
  /** The same call may succeed later. */
  retryable?: boolean;
  /** Seconds for `Retry-After`. */
  retryAfter?: number;
  /** Further members of the problem document, e.g. the new plan of `plan-changed`. Free of personal data. */
  extra?: Record<string, unknown>;
}

/** A refusal the caller can understand. `code` is kebab-case and never changes its meaning. */
export class DomainError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: ProblemDetails;

  constructor(status: number, code: string, details: ProblemDetails | string) {
    const full = typeof details === 'string' ? { detail: details } : details;
    super(full.detail);
    this.name = 'DomainError';
    this.status = status;
    this.code = code;
    this.details = full;
  }
}

/** 404 for what does not exist and for what belongs to another tenant alike. */
export function notFound(what: string): DomainError {
  return new DomainError(404, 'not-found', `No such ${what} in this tenant. Check the id.`);
}

/** 409 with a code of its own. */
export function conflict(code: string, details: ProblemDetails | string): DomainError {
  return new DomainError(409, code, details);
}

/** 422: well-formed, but not acceptable. */
export function unprocessable(code: string, details: ProblemDetails | string): DomainError {
  return new DomainError(422, code, details);
}
