/** The HTTP surface's frame: limits, authentication before the body, problem documents, OpenAPI. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { newId, type Clock } from '#kernel';
import { EventStore } from '#ledger';
import {
  CanGuard,
  CLOCK,
  CONFIG,
  DEFAULT_LIMITS,
  equalLimits,
  installAllowedMethods,
  installAuthentication,
  installSecurityHeaders,
  KeyProvider,
  LOGGER,
  Metrics,
  parseJsonBody,
  PrincipalSource,
  ProblemFilter,
  problemOf,
  RateLimits,
  RefusalInterceptor,
  Refusals,
  sendProblem,
  ServiceState,
  StateGuard,
  toDomainError,
  validationPipe,
  type Config,
  type Logger,
} from '#platform';
import { installConnectionLimit, installHttpMetrics, installLoadShedding, installTraces } from './http-operations.js';

const BODY_LIMIT = 1024 * 1024;

/** The adapter is named in this one file, so that another one is a change of one line. */
export function fastifyAdapter({ LETHE_TRUSTED_PROXIES: proxies }: Config): FastifyAdapter {
  return new FastifyAdapter({
    trustProxy: proxies.length > 0 ? proxies : false,
    bodyLimit: BODY_LIMIT,
    genReqId: () => newId(),
    requestTimeout: 30_000,
    // Of silence on a connection: longer than any call takes, for callers that never read their answer.
    connectionTimeout: 180_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 },
    routerOptions: { maxParamLength: 200 },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    logger: false,
    // Errors before a route is found: the router's and the HTTP parser's. They are problem documents like all others.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      reply.header('connection', 'close');
      sendProblem(reply, toDomainError(error), request.id);
    },
    clientErrorHandler: refuseConnection,
  });
}

/** What is no HTTP gets the shortest problem document that HTTP can carry, and the connection ends. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400;
  const body = JSON.stringify(problemOf(toDomainError({ statusCode: status }), newId()));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/problem+json\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** JSON only, read strictly; anything else is 415. */
function installBodyParser(app: NestFastifyApplication, fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  const limit = { bodyLimit: BODY_LIMIT };
  app.useBodyParser('application/json', limit, (_request: unknown, body: Buffer, done: Parsed) =>
    done(null, parseJsonBody(body)),
  );
  // Nest reads forms where nobody else does.
  app.useBodyParser('application/x-www-form-urlencoded', limit, (_request: unknown, _body: Buffer, done: Parsed) =>
    done(toDomainError({ statusCode: 415 })),
  );
}

type Parsed = (error: Error | null, body?: unknown) => void;

/** Puts limits, authentication, guards and the filter in front of every route. `callsPerMinute` is for every class of calls. */
export async function frame(app: NestFastifyApplication, callsPerMinute?: number): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  const log = app.get<Logger>(LOGGER);
  const reflector = app.get(Reflector);
  installSecurityHeaders(fastify);
  // Nothing here speaks another protocol, and Node's parser reads the next call of such a connection only in part.
  fastify.addHook('onRequest', (request, reply, next) => {
    if (request.headers.upgrade !== undefined) reply.header('connection', 'close');
    next();
  });
  // A call that was answered while the service stops would keep its connection, and the stop, for more than a minute.
  fastify.addHook('preClose', (done) => {
    const idle = setInterval(() => fastify.server.closeIdleConnections(), 50);
    fastify.server.once('close', () => clearInterval(idle));
    done();
  });
  installBodyParser(app, fastify);
  const metrics = app.get(Metrics);
  installHttpMetrics(fastify, metrics);
  installConnectionLimit(fastify, metrics, app.get<Config>(CONFIG));
  installTraces(fastify, metrics, app.get(EventStore), app.get<Config>(CONFIG));
  if (app.get<Config>(CONFIG).LETHE_LOAD_SHEDDING === 'on') installLoadShedding(fastify, metrics, app.get(EventStore));
  const limits = new RateLimits(callsPerMinute === undefined ? DEFAULT_LIMITS : equalLimits(callsPerMinute));
  const principals = app.get(PrincipalSource);
  limits.installForRefused(fastify, principals);
  installAuthentication(fastify, principals);
  limits.installForCallers(fastify);
  installAllowedMethods(fastify);
  app.useGlobalPipes(validationPipe());
  app.useGlobalFilters(new ProblemFilter(log));
  const refusals = new Refusals(app.get(EventStore), app.get(KeyProvider), app.get<Clock>(CLOCK), log);
  app.useGlobalInterceptors(new RefusalInterceptor(refusals));
  app.useGlobalGuards(new CanGuard(reflector, refusals), new StateGuard(reflector, app.get(ServiceState)));
}
