/** `@Answers`: the success status of a route and the schema of its body, for OpenAPI and for readers. */
import { applyDecorators, HttpCode } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse } from '@nestjs/swagger';
import type { z } from 'zod';

/** Declares status and body. Problem documents (RFC 9457) are added to every route by the OpenAPI builder. */
export function Answers(status: number, schema: z.ZodType): MethodDecorator {
  return applyDecorators(
    HttpCode(status),
    ApiBearerAuth(),
    ApiResponse({ status, standardSchema: schema as never, description: 'Success' }),
  );
}
