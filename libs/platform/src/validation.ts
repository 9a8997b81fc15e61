/** Bodies, queries and parameters are zod 4 schemas at the door; what fails names where, never what. */
import { StandardSchemaValidationPipe } from '@nestjs/common';
import { DomainError, type FieldError } from '#kernel';

interface Issue {
  code?: string;
  path?: ReadonlyArray<PropertyKey | { key: PropertyKey }> | undefined;
}

/** The global validation pipe: 400 `body-invalid` with a JSON pointer and a code per field. */
export function validationPipe(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({
    exceptionFactory: (issues) =>
      new DomainError(400, 'body-invalid', {
        detail: 'The request does not match the schema of this route. See errors and /openapi.json.',
        errors: (issues as readonly Issue[]).slice(0, 20).map(fieldError),
      }),
  });
}

function fieldError(issue: Issue): FieldError {
  const path = (issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part));
  const pointer = path
    .map((part) => `/${String(part).slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
  return { pointer, code: (issue.code ?? 'invalid').replaceAll('_', '-') };
}
