/** Bodies, queries and parameters are zod 4 schemas at the door; what fails names where, never what. */
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { z } from 'zod';
import { DomainError, type FieldError } from '#kernel';

/** First and last instant that JavaScript and PostgreSQL both write the same way. */
const [earliest, latest] = [Date.parse('1900-01-01T00:00:00Z'), Date.parse('9999-12-31T00:00:00Z')];

/**
 * An instant (RFC 3339) with its offset from UTC, from the year 1900 to 9999. Turn it into UTC (`new Date(text).toISOString()`)
 * before it is compared or stored: two offsets can name one instant.
 */
export const Instant = z.iso.datetime({ offset: true }).refine((text) => {
  const time = Date.parse(text);
  return time >= earliest && time < latest;
});

/**
 * A code of the caller's own that stands open in the ledger, for ever: a slug, a dotted or prefixed name, the URI of a
 * vocabulary's term (`https://w3id.org/dpv#Marketing`), FHIR's `system|code` and `$everything`. No room for words, a query or a mail address, which nobody could erase.
 */
export const OpenCode = (longest: number): z.ZodString =>
  z
    .string()
    .max(longest)
    .regex(/^[A-Za-z0-9$_][A-Za-z0-9$_.:/#|-]*$/);

interface Issue {
  code?: string;
  path?: ReadonlyArray<PropertyKey | { key: PropertyKey }> | undefined;
}

/**
 * The global validation pipe: 400 `body-invalid` with a JSON pointer and a code per field. Nest's own does the same through
 * two more promises a parameter, and strips names that the body parser refuses already.
 */
export function validationPipe(): PipeTransform {
  return {
    transform(value: unknown, { type, schema }: ArgumentMetadata & { schema?: z.ZodType }): unknown {
      if (!schema || type === 'custom') return value;
      const result = schema['~standard'].validate(value);
      return result instanceof Promise ? result.then(valid) : valid(result);
    },
  };
}

function valid(result: { issues?: readonly Issue[] | undefined; value?: unknown }): unknown {
  if (!result.issues) return result.value;
  throw new DomainError(400, 'body-invalid', {
    detail: 'The request does not match the schema of this route. See errors and /openapi.json.',
    errors: result.issues.slice(0, 20).map(fieldError),
  });
}

function fieldError(issue: Issue): FieldError {
  const path = (issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part));
  const pointer = path
    .map((part) => `/${String(part).slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
  return { pointer, code: (issue.code ?? 'invalid').replaceAll('_', '-') };
}
