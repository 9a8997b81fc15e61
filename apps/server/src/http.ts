/** The HTTP surface's frame: limits, authentication before the body, problem documents, OpenAPI. */
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import { Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { newId, DomainError } from '#kernel';
import { EventStore } from '#ledger';
import {
  AccessRecorder,
  AuditInterceptor,
  CanGuard,
  IdempotencyInterceptor,
  installAuthentication,
  KeyProvider,
  LOGGER,
  PrincipalSource,
  ProblemFilter,
  validationPipe,
  type Logger,
} from '#platform';

const BODY_LIMIT = 1024 * 1024;

/** The adapter is named in this one file, so that another one is a change of one line. */
export function fastifyAdapter(): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    genReqId: () => newId(),
    requestTimeout: 30_000,
    routerOptions: { maxParamLength: 200 },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    logger: false,
  });
}

/** Puts limits, authentication, guards, interceptors and the filter in front of every route. */
export async function frame(app: NestFastifyApplication, callsPerMinute: number): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance();
  const log = app.get<Logger>(LOGGER);
  const reflector = app.get(Reflector);
  await app.register(helmet, {
    contentSecurityPolicy: { directives: { 'script-src': ["'self'"], 'style-src': ["'self'", "'unsafe-inline'"] } },
  });
  await app.register(rateLimit, {
    max: callsPerMinute,
    timeWindow: 60_000,
    enableDraftSpec: true,
    keyGenerator: (request) => request.headers.authorization ?? request.ip,
    allowList: (request) => !request.url.startsWith('/v1/'),
    errorResponseBuilder: () =>
      new DomainError(429, 'rate-limited', {
        detail: 'Too many calls with this key. Wait for Retry-After seconds.',
        retryable: true,
      }),
  });
  installAuthentication(fastify as never, app.get(PrincipalSource));
  app.useGlobalPipes(validationPipe());
  app.useGlobalFilters(new ProblemFilter(log));
  app.useGlobalGuards(new CanGuard(reflector));
  app.useGlobalInterceptors(
    new IdempotencyInterceptor(reflector, app.get(EventStore), app.get(KeyProvider)),
    new AuditInterceptor(reflector, app.get(AccessRecorder)),
  );
}
