/** A client of the Lethe API, typed from its OpenAPI document. */
import createFetchClient, { type Client, type Middleware } from 'openapi-fetch';
import type { paths } from './schema.js';

/** Where Lethe is and who calls. */
export interface ClientOptions {
  /** e.g. `http://127.0.0.1:3000`. */
  baseUrl: string;
  /** API key or personal token; sent as Authorization: Bearer, never in a URL. */
  key: string;
  /** Replaces the global fetch, e.g. to add a proxy. */
  fetch?: typeof globalThis.fetch;
}

/** A problem document (RFC 9457) as an error; `code` is stable. */
export class LetheProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly document: Record<string, unknown>,
  ) {
    super(`${code}: ${detail}`);
    this.name = 'LetheProblem';
  }
}

/** Sends an Idempotency-Key with every POST that brings none: one key per logical call, kept when a call is repeated. */
function oneKeyPerCall(): Middleware {
  return {
    onRequest({ request }) {
      if (request.method === 'POST' && !request.headers.has('idempotency-key')) {
        request.headers.set('idempotency-key', globalThis.crypto.randomUUID());
      }
      return request;
    },
  };
}

/** Turns every problem document into a thrown `LetheProblem`. */
const throwProblems: Middleware = {
  async onResponse({ response }) {
    if (response.ok) return response;
    const text = await response.clone().text();
    const document = parse(text);
    throw new LetheProblem(
      response.status,
      wordOf(document['code']) ?? 'unreadable',
      wordOf(document['detail']) ?? response.statusText,
      document,
    );
  },
};

function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** The typed client: `client.POST('/v1/consents', { body })`. Rejects with `LetheProblem` for refusals. */
export type LetheClient = Client<paths>;

/** Makes a client. */
export function createLetheClient({ baseUrl, key, fetch }: ClientOptions): LetheClient {
  const client = createFetchClient<paths>({
    baseUrl,
    headers: { authorization: `Bearer ${key}` },
    ...(fetch ? { fetch } : {}),
  });
  client.use(oneKeyPerCall(), throwProblems);
  return client;
}
