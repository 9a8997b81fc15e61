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
export const Instant = z.iso
  .datetime({ offset: true, error: 'An instant with its offset, e.g. 2026-01-31T12:00:00Z.' })
  .refine((text) => {
    const time = Date.parse(text);
    return time >= earliest && time < latest;
  }, 'An instant from the year 1900 to 9999.');

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
  message: string;
  path?: ReadonlyArray<PropertyKey | { key: PropertyKey }> | undefined;
}

/** What each kind of parameter is called outside. */
const PLACES: Partial<Record<ArgumentMetadata['type'], string>> = { body: 'body', query: 'query', param: 'path' };

/**
 * The global validation pipe: 400 `body-invalid` with a JSON pointer, a code and a sentence per field. An absent body is one
 * without members. Nest's own pipe does the same through two more promises a parameter, and strips names that the body
 * parser refuses already.
 */
export function validationPipe(): PipeTransform {
  return {
    transform(value: unknown, { type, data, schema }: ArgumentMetadata & { schema?: z.ZodType }): unknown {
      if (!schema || type === 'custom') return value;
      const given = type === 'body' && value === undefined ? {} : value;
      const valid = ({
        issues,
        value: parsed,
      }: {
        issues?: readonly Issue[] | undefined;
        value?: unknown;
      }): unknown => {
        if (!issues) return parsed;
        throw new DomainError(400, 'body-invalid', {
          detail: `The ${PLACES[type]} does not match the schema of this route. See errors and /openapi.json.`,
          errors: issues
            .map((issue) => fieldError(issue, given, data === undefined ? [] : [data], schema))
            .slice(0, 20),
        });
      };
      const result = schema['~standard'].validate(given);
      return result instanceof Promise ? result.then(valid) : valid(result);
    },
  };
}

/** zod's sentences say what was expected and of which type the value was, never the value; they do name unknown members. */
function fieldError(
  { code = 'invalid', message, path = [] }: Issue,
  given: unknown,
  at: string[],
  schema: z.ZodType,
): FieldError {
  const inside = path.map((part) => (typeof part === 'object' ? part.key : part));
  const pointer = pointerTo([...at, ...inside]);
  if (code === 'unrecognized_keys') return { pointer, code: 'unknown-member', detail: whatIsTaken(schema, inside) };
  if (inside.length > 0 && isAbsent(given, inside))
    return { pointer, code: 'required', detail: code === 'custom' ? message : 'This is required.' };
  return { pointer, code: code === 'custom' ? 'invalid-value' : code.replaceAll('_', '-'), detail: message };
}

/** An unknown member is never named: its name could be anybody's. Those that there are help as much. */
function whatIsTaken(schema: z.ZodType, inside: readonly PropertyKey[]): string {
  const known = schema instanceof z.ZodObject && inside.length === 0 ? Object.keys(schema.shape) : [];
  return known.length === 0
    ? 'There is a member that is not taken here.'
    : `There is a member that is not taken here. Taken are ${known.join(', ')}.`;
}

function isAbsent(given: unknown, path: readonly PropertyKey[]): boolean {
  let here = given;
  for (const part of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, part)) return true;
    here = (here as Record<PropertyKey, unknown>)[part];
  }
  return false;
}

function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
