/** Around every call: how long it took by the template of its route, and whether there is room for it at all. */
import { performance } from 'node:perf_hooks';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { EventStore } from '#ledger';
import { LoadShedding, type Metrics } from '#platform';

const methods = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']);

/** Counts calls. The label is the template (`/v1/requests/:id`), since a URL as it came could hold anything. */
export function installHttpMetrics(fastify: FastifyInstance, metrics: Metrics): void {
  const seconds = metrics.histogram('lethe_http_request_seconds', 'Calls by route and status', [
    'method',
    'route',
    'status',
  ]);
  let inFlight = 0;
  metrics.gauge('lethe_http_requests_in_flight', 'Calls being answered', [], (set) => set(inFlight));
  const began = new WeakMap<FastifyRequest, number>();
  fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, next: () => void) => {
    inFlight += 1;
    began.set(request, performance.now());
    // Also when the caller goes away before the answer; `onResponse` alone would miss that.
    reply.raw.once('close', () => (inFlight -= 1));
    next();
  });
  fastify.addHook('onResponse', (request: FastifyRequest, reply: FastifyReply, next: () => void) => {
    const method = methods.has(request.method) ? request.method : 'other';
    const route = request.routeOptions.url ?? 'none';
    const took = performance.now() - (began.get(request) ?? performance.now());
    seconds.observe({ method, route, status: String(reply.statusCode) }, took / 1000);
    next();
  });
}

/** Installs load shedding, and tells of it in the metrics. */
export function installLoadShedding(fastify: FastifyInstance, metrics: Metrics, store: EventStore): void {
  const shed = metrics.counter('lethe_calls_shed_total', 'Calls refused for want of capacity, by class', ['demand']);
  const shedding = new LoadShedding(
    () => store.queued,
    (demand) => shed.inc({ demand }),
  );
  shedding.install(fastify);
  metrics.gauge('lethe_load_level', 'Classes of calls that are refused for want of capacity', [], (set) =>
    set(shedding.refusing),
  );
  metrics.gauge(
    'lethe_event_loop_delay_seconds',
    'Lateness of the event loop, smoothed over half a second',
    [],
    (set) => set(shedding.signals.delayMs / 1000),
  );
}
