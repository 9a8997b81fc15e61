/** Every refusal becomes a problem document (RFC 9457) with a stable code; input values are never echoed. */
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { DomainError, NotCanonical, type FieldError } from '#kernel';
import { DatabaseUnavailable, LedgerOverloaded, UnknownTenant, VersionConflict } from '#ledger';
import { KeyUnavailable } from '../keys/key-provider.js';
import type { Logger } from '../log.js';

/** A problem document. `type` is `urn:lethe:problem:<code>`. */
export interface Problem {
  type: string;
  code: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  retryable: boolean;
  errors?: FieldError[];
  [extra: string]: unknown;
}

/**
 * Codes of PostgreSQL and the socket that mean: not now. Besides classes 08, 53 and 57: a standby (25006), an idle
 * transaction that was ended (25P03, 25P04), a lock that was not given in time (55P03).
 */
const outage = /^(08|57|53)|^25006$|^25P0[34]$|^55P03$|^ECONN|^EPIPE|^ETIMEDOUT|^EHOST|^ENET|^EAI_|^ENOTFOUND/;
/** Full, over quota, or mounted read-only. */
const noRoom = /^53100$|^ENOSPC|^EDQUOT|^EROFS/;

const codesByStatus: Record<number, [string, string]> = {
  400: ['bad-request', 'The request could not be read. Check its syntax and headers.'],
  401: ['unauthenticated', 'Send a valid API key or token as Authorization: Bearer.'],
  403: ['forbidden', 'Your role or key scope does not allow this. See docs/who-may-what.md.'],
  404: ['not-found', 'There is nothing at this path. See /openapi.json.'],
  405: ['method-not-allowed', 'This path does not take this method. See /openapi.json.'],
  408: ['request-timeout', 'The request did not arrive in time. Send it again.'],
  413: ['body-too-large', 'The body is larger than this route takes. Send smaller batches.'],
  414: ['uri-too-long', 'The path is too long. Identifiers never travel in a URL.'],
  415: ['media-type-unsupported', 'Send application/json.'],
  429: ['rate-limited', 'Too many calls. Wait for Retry-After seconds.'],
  431: ['headers-too-large', 'The headers are too large.'],
};

/** Turns anything thrown into a `DomainError`; what is unexpected becomes 500 `internal` without its message. */
export function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  if (error instanceof VersionConflict) {
    return new DomainError(409, 'version-conflict', {
      detail: 'Somebody else changed this meanwhile. Read it again and repeat.',
      retryable: true,
    });
  }
  if (error instanceof LedgerOverloaded)
    return unavailable('overloaded', 'The append queue is full. Repeat with the same Idempotency-Key.');
  if (error instanceof UnknownTenant) return new DomainError(404, 'not-found', 'This tenant has no log.');
  // Which key it is stands in the log: the caller can do nothing about it but come again.
  if (error instanceof KeyUnavailable)
    return unavailable(
      'key-unavailable',
      'A key of this service cannot be used now. Nothing was half done; repeat with the same Idempotency-Key.',
      10,
    );
  if (error instanceof NotCanonical)
    return new DomainError(422, 'value-not-storable', 'Text holds a NUL or a lone surrogate. Remove it.');
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: number }).statusCode;
  if (status !== undefined && status >= 400 && status < 500) {
    const [code, detail] = codesByStatus[status] ?? codesByStatus[400]!;
    return new DomainError(status, code, { detail, retryable: status === 429 });
  }
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string' && noRoom.test(code))
    return unavailable(
      'read-only',
      'There is no room to write. Nothing was half done; repeat with the same Idempotency-Key once an operator made room.',
      10,
    );
  const gone =
    typeof code === 'string'
      ? outage.test(code)
      : /terminated|not queryable|timeout/i.test((error as Error | null)?.message ?? '');
  if (gone)
    return unavailable(
      'database-unavailable',
      'The database does not answer. Nothing was half done; repeat with the same Idempotency-Key.',
    );
  return new DomainError(
    500,
    'internal',
    'An unexpected error. It is in the log of the service under this instance id.',
  );
}

function unavailable(code: string, detail: string, retryAfter = 1): DomainError {
  return new DomainError(503, code, { detail, retryable: true, retryAfter });
}

/** The document of an error. `instance` is the request id, so that support finds the log line. */
export function problemOf(error: DomainError, requestId: string): Problem {
  const { detail, errors, retryable, extra } = error.details;
  return {
    // First: an extension never takes the place of a member.
    ...extra,
    type: `urn:lethe:problem:${error.code}`,
    code: error.code,
    title: error.code.replaceAll('-', ' '),
    status: error.status,
    detail,
    instance: `urn:lethe:request:${requestId}`,
    retryable: retryable ?? false,
    ...(errors ? { errors } : {}),
  };
}

interface Reply {
  status(code: number): Reply;
  header(name: string, value: string): Reply;
  send(body: unknown): unknown;
}

/** Answers with a problem document. */
export function sendProblem(reply: Reply, error: DomainError, requestId: string): void {
  const retryAfter = error.details.retryAfter;
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  reply
    .status(error.status)
    .header('content-type', 'application/problem+json')
    .send(JSON.stringify(problemOf(error, requestId)));
}

/** Nest's one exception filter. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const error = toDomainError(thrown);
    const { id } = http.getRequest<{ id: string }>();
    // The message of an unexpected error may hold values; its name, code and stack lines do not.
    if (thrown instanceof DatabaseUnavailable) this.log.debug({ requestId: id, code: error.code }, 'request refused');
    else if (error.status >= 500)
      this.log.error({ requestId: id, code: error.code, cause: causeOf(thrown) }, 'request failed');
    sendProblem(http.getResponse<Reply>(), error, id);
  }
}

function causeOf(thrown: unknown): { name: string; code?: string; key?: string; at: string[] } {
  const error = thrown instanceof Error ? thrown : new Error('not an error');
  const code = (error as { code?: unknown }).code;
  const at = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 6)
    .map((line) => line.trim());
  return {
    name: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    // Names a key file and what to do, never a value.
    ...(error instanceof KeyUnavailable ? { key: error.message } : {}),
    at,
  };
}
