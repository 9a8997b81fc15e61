/**
 * Traces by OTLP over HTTP, JSON encoding (OpenTelemetry protocol 1.x), written by hand: a span has four facts, none of
 * them about a person, and the official exporter asks for a newer Node than this service. Off unless an endpoint is set.
 */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';

/** What a span may say. Everything else a caller sends is not taken, so that it can't leak. */
export interface SpanFacts {
  /** Name of an operation or `METHOD /template`; never a URL as it came. */
  name: string;
  kind: 'server' | 'internal';
  /** Codes, templates and counts. */
  attributes: Partial<Record<SpanAttribute, string | number>>;
  failed: boolean;
}

/** Names of the semantic conventions, and one of our own. */
export type SpanAttribute = 'http.request.method' | 'http.route' | 'http.response.status_code' | 'lethe.events';

/** A trace as it came with a call (W3C Trace Context), or a new one. */
export interface TraceContext {
  traceId: string;
  parentId?: string;
  sampled: boolean;
}

/** Where and how spans are sent. */
export interface TelemetrySettings {
  /** Base URL of a collector; `/v1/traces` is added. */
  endpoint: string;
  /** `name=value` pairs, comma separated, percent-encoded. */
  headers?: string | undefined;
  service: string;
  /** Part of the traces begun here that is kept, 0 to 1; a caller's own decision goes first. */
  ratio: number;
}

const MAX_QUEUE = 2_048;
const BATCH = 512;
const EVERY_MS = 2_000;
const TIMEOUT_MS = 5_000;
const parentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const kinds = { internal: 1, server: 2 } as const;
const FAILED = 2;

interface Encoded {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: { stringValue: string } | { intValue: string } }[];
  status: { code?: number };
}

/** Sends spans in the background; a collector that is down costs spans, never a call. */
export class Telemetry {
  private readonly url: string;
  private readonly headers: Record<string, string>;
  private readonly timer: NodeJS.Timeout;
  private queue: Encoded[] = [];
  private sending: Promise<void> = Promise.resolve();

  /** @param dropped told how many spans could not be delivered */
  constructor(
    private readonly settings: TelemetrySettings,
    private readonly dropped: (spans: number) => void = () => undefined,
  ) {
    this.url = `${settings.endpoint.replace(/\/+$/, '')}/v1/traces`;
    this.headers = { 'content-type': 'application/json', ...headersOf(settings.headers) };
    this.timer = setInterval(() => void this.flush(), EVERY_MS).unref();
  }

  /** The trace a call belongs to, from its `traceparent` header. */
  contextOf(traceparent: unknown): TraceContext {
    const [, traceId, parentId, flags] = (typeof traceparent === 'string' && parentPattern.exec(traceparent)) || [];
    if (traceId !== undefined && parentId !== undefined && !/^0+$/.test(traceId))
      return { traceId, parentId, sampled: (parseInt(flags ?? '0', 16) & 1) === 1 };
    return { traceId: randomBytes(16).toString('hex'), sampled: Math.random() < this.settings.ratio };
  }

  /** Records what ended now and took `seconds`. */
  record({ traceId, parentId, sampled }: TraceContext, seconds: number, facts: SpanFacts): void {
    if (!sampled) return;
    if (this.queue.length >= MAX_QUEUE) {
      this.dropped(1);
      return;
    }
    const end = performance.timeOrigin + performance.now();
    this.queue.push({
      traceId,
      spanId: randomBytes(8).toString('hex'),
      ...(parentId === undefined ? {} : { parentSpanId: parentId }),
      name: facts.name,
      kind: kinds[facts.kind],
      startTimeUnixNano: nanoseconds(end - seconds * 1000),
      endTimeUnixNano: nanoseconds(end),
      attributes: Object.entries(facts.attributes).flatMap(([key, value]) => encoded(key, value)),
      status: facts.failed ? { code: FAILED } : {},
    });
    if (this.queue.length >= BATCH) void this.flush();
  }

  /** Sends what waits; resolves when that was tried. */
  flush(): Promise<void> {
    this.sending = this.sending.then(async () => {
      while (this.queue.length > 0) await this.send(this.queue.splice(0, BATCH));
    });
    return this.sending;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  private async send(spans: Encoded[]): Promise<void> {
    const service = { key: 'service.name', value: { stringValue: this.settings.service } };
    const scopeSpans = [{ scope: { name: 'lethe' }, spans }];
    const body = JSON.stringify({ resourceSpans: [{ resource: { attributes: [service] }, scopeSpans }] });
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const delivered = await fetch(this.url, {
      method: 'POST',
      headers: this.headers,
      body,
      signal,
      redirect: 'error',
    }).then(
      async (answer) => {
        await answer.arrayBuffer();
        return answer.ok;
      },
      () => false,
    );
    if (!delivered) this.dropped(spans.length);
  }
}

function encoded(key: string, value: string | number | undefined): Encoded['attributes'] {
  if (value === undefined) return [];
  return [{ key, value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value } }];
}

function nanoseconds(milliseconds: number): string {
  return String(BigInt(Math.round(milliseconds * 1000)) * 1000n);
}

function headersOf(text = ''): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.includes('='));
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())];
    }),
  );
}
