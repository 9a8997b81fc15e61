/** The admin port: metrics and health for the machines that watch, on 127.0.0.1 and never on the API's address. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newId } from '#kernel';
import type { Metrics } from '../metrics.js';
import { problemOf, toDomainError } from './problem-details.js';

/** Resolves when the service can work; throws the `DomainError` that says why it can't. */
export type ReadinessCheck = () => Promise<void>;

/** A listening admin port. */
export interface AdminPort {
  port: number;
  close(): Promise<void>;
}

/**
 * Serves `/metrics` (text format of Prometheus), `/healthz` and `/readyz`. No credentials: whoever may open a socket on
 * this machine may read counts and codes; there is nothing else in them.
 *
 * @param port 0 for any free one
 */
export async function openAdminPort(port: number, metrics: Metrics, ready: ReadinessCheck): Promise<AdminPort> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    answer(request, response, metrics, ready).catch((error: unknown) => sendError(response, error));
  });
  server.listen({ port, host: '127.0.0.1' });
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  metrics: Metrics,
  ready: ReadinessCheck,
): Promise<void> {
  const path = (request.url ?? '').split('?')[0];
  if (request.method !== 'GET') return sendError(response, { statusCode: 405 });
  if (path === '/metrics') return send(response, 200, metrics.registry.contentType, await metrics.text());
  if (path === '/readyz') await ready();
  else if (path !== '/healthz') return sendError(response, { statusCode: 404 });
  return send(response, 200, 'application/json', JSON.stringify({ status: 'ok' }));
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}

function sendError(response: ServerResponse, thrown: unknown): void {
  const error = toDomainError(thrown);
  if (error.details.retryAfter !== undefined) response.setHeader('retry-after', error.details.retryAfter);
  send(response, error.status, 'application/problem+json', JSON.stringify(problemOf(error, newId())));
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
