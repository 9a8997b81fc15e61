/** The OpenAPI 3.1 document: the only source of the client's types. */
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { IDEMPOTENCY_KEY } from '#platform';

const problem = {
  description: 'A problem document (RFC 9457); `code` is stable.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

const problemSchema = {
  type: 'object',
  required: ['type', 'code', 'title', 'status', 'detail', 'instance', 'retryable'],
  properties: {
    type: { type: 'string' },
    code: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    retryable: { type: 'boolean' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'code'],
        properties: { pointer: { type: 'string' }, code: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
};

/** Builds the document from the routes; `operationId` is the method's name, so names must be unique. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Lethe')
    .setDescription('Privacy and consent compliance: remember the proof, forget the person.')
    .setVersion('1')
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth()
    .build();
  const document = SwaggerModule.createDocument(app, config, { operationIdFactory: (_controller, method) => method });
  const schemas = ((document.components ??= {}).schemas ??= {});
  openJson(schemas as Record<string, unknown>);
  schemas['Problem'] = problemSchema as never;
  for (const path of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(
      path as Record<
        string,
        { responses?: Record<string, unknown>; parameters?: { name: string; required?: boolean }[] }
      >,
    )) {
      if (!operation.responses) continue;
      operation.responses['default'] = problem;
      // A PUT is repeatable by itself, and takes a key; a changing POST is refused without one.
      const key = operation.parameters?.find((one) => one.name === IDEMPOTENCY_KEY);
      if (key) key.required = method === 'post';
    }
  }
  return document;
}

/** zod writes any JSON value as a nameless schema that refers to itself, which no generator of types can follow. */
function openJson(schemas: Record<string, unknown>): void {
  for (const name of Object.keys(schemas).filter((one) => one.startsWith('__schema')))
    if (JSON.stringify(schemas[name]).includes(`/${name}"`)) schemas[name] = { description: 'Any JSON value.' };
}

/** Serves `/openapi.json`, and with `page` a readable one at `/docs`. */
export function serveOpenApi(app: NestFastifyApplication, page: boolean): void {
  const document = openApiDocument(app);
  const text = JSON.stringify(document);
  app
    .getHttpAdapter()
    .getInstance()
    .get(
      '/openapi.json',
      (_request: unknown, reply: { header(name: string, value: string): { send(body: string): unknown } }) =>
        reply.header('content-type', 'application/json').send(text),
    );
  if (page) SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: '/docs/openapi.json' });
}
