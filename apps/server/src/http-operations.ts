/** Around every call: how long it took by the template of its route, and whether there is room for it at all. */
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { EventStore } from '#ledger';
import { connectionsThatFit, limitConnections, LoadShedding, Telemetry, type Config, type Metrics } from '#platform';

const methods = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']);

/** What may be said of a call: its method if it is one, the template of its route, the status. */
function factsOf(request: FastifyRequest, reply: FastifyReply): { method: string; route: string; status: number } {
  const method = methods.has(request.method) ? request.method : 'other';
  return { method, route: request.routeOptions.url ?? 'none', status: reply.statusCode };
}

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
    const { method, route, status } = factsOf(request, reply);
    const took = performance.now() - (began.get(request) ?? performance.now());
    seconds.observe({ method, route, status: String(status) }, took / 1000);
    next();
  });
}

/** Bounds the connections, and tells of them in the metrics. */
export function installConnectionLimit({ server }: FastifyInstance, metrics: Metrics, config: Config): void {
  const dropped = metrics.counter('lethe_http_connections_dropped_total', 'Connections ended at once beyond the bound');
  limitConnections(server, config.LETHE_MAX_CONNECTIONS ?? connectionsThatFit(), () => dropped.inc());
  const count = promisify(server.getConnections.bind(server));
  metrics.gauge('lethe_http_connections', 'Connections to the API', [], async (set) => set(await count()));
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

/** Sends a span a call and a span a flush, when the environment names a collector. */
export function installTraces(fastify: FastifyInstance, metrics: Metrics, store: EventStore, config: Config): void {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: service } = config;
  const lost = metrics.counter('lethe_spans_dropped_total', 'Spans that could not be delivered');
  if (endpoint === undefined) return;
  const { OTEL_EXPORTER_OTLP_HEADERS: headers, OTEL_TRACES_SAMPLER_ARG: ratio } = config;
  const telemetry = new Telemetry({ endpoint, headers, service, ratio }, (spans) => lost.inc(spans));
  const began = new WeakMap<FastifyRequest, number>();
  fastify.addHook('onRequest', (request: FastifyRequest, _reply: FastifyReply, next: () => void) => {
    began.set(request, performance.now());
    next();
  });
  fastify.addHook('onResponse', (request: FastifyRequest, reply: FastifyReply, next: () => void) => {
    const { method, route, status } = factsOf(request, reply);
    const seconds = (performance.now() - (began.get(request) ?? performance.now())) / 1000;
    telemetry.record(telemetry.contextOf(request.headers['traceparent']), seconds, {
      name: `${method} ${route}`,
      kind: 'server',
      attributes: { 'http.request.method': method, 'http.route': route, 'http.response.status_code': status },
      failed: status >= 500,
    });
    next();
  });
  const unlisten = store.onCommit((_tenant, _position, { appended, seconds }) =>
    telemetry.record(telemetry.contextOf(undefined), seconds, {
      ...{ name: 'ledger.flush', kind: 'internal', failed: false },
      attributes: { 'lethe.events': appended.length },
    }),
  );
  fastify.addHook('onClose', async () => {
    unlisten();
    await telemetry.close();
  });
}
