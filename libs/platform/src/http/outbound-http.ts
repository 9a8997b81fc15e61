/** Calls to URLs that somebody else chose (webhooks, remote endpoints), so that they never reach an inward address. */
import { lookup } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPublicAddress, type ResolvedAddress } from './outbound-address.js';

/** A call to a URL that an administrator of a tenant typed. */
export interface GuardedCall {
  /** `https:`; `http:` only to an allowed `host:port`. */
  url: string;
  /** `POST` when absent. */
  method?: string;
  headers: Record<string, string>;
  body: string | Buffer;
  /** For everything together: name, connection, TLS, the whole answer. */
  timeoutMs: number;
  /** Exact `host:port` that may resolve to inward addresses, e.g. `crm.intranet.example:8443`; brackets around IPv6. */
  allow: readonly string[];
  /** Longest body of an answer, in bytes. */
  maxBytes: number;
  /** Keep the first `maxBytes` of a longer answer instead of refusing it: for those who read the status only. */
  cut?: boolean;
  /** Ends the call early. */
  signal?: AbortSignal;
}

/** What came back; any status but a redirect. Header names are lower-case. */
export interface GuardedAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** Why nothing usable came back. `connection-failed` may have reached the other side. */
export type OutboundTrouble =
  | 'url-invalid'
  | 'scheme-refused'
  | 'address-refused'
  | 'name-unresolvable'
  | 'redirect-refused'
  | 'answer-too-large'
  | 'timeout'
  | 'connection-failed';

/** Thrown by `sendGuarded`; says a code and never a URL, an address or a byte of the answer. */
export class OutboundFailure extends Error {
  constructor(readonly code: OutboundTrouble) {
    super(`the outbound call failed: ${code}`);
    this.name = 'OutboundFailure';
  }
}

/** Resolves a name to all its addresses. */
export type ResolveName = (hostname: string) => Promise<ResolvedAddress[]>;

const resolveName: ResolveName = (hostname) => lookup(hostname, { all: true });

/**
 * Sends one call. The name is resolved once, every address is judged, and the connection goes to an address that was
 * judged: a name that answers otherwise a moment later (DNS rebinding) is not asked again. Redirects are refused.
 *
 * @throws OutboundFailure
 */
export async function sendGuarded(call: GuardedCall, resolve: ResolveName = resolveName): Promise<GuardedAnswer> {
  const timeout = AbortSignal.timeout(call.timeoutMs);
  const signal = call.signal ? AbortSignal.any([timeout, call.signal]) : timeout;
  try {
    const url = checkUrl(call.url, call.allow);
    const pinned = await unlessAborted(signal, pin(url, call.allow, resolve));
    return await exchange(call, url, pinned, signal);
  } catch (error) {
    if (timeout.aborted) throw new OutboundFailure('timeout');
    throw error instanceof OutboundFailure ? error : new OutboundFailure('connection-failed');
  }
}

/**
 * The parsed URL, when its form alone allows a call: scheme, no credentials, and an address that stands in it is public
 * or allowed. Numeric forms (decimal, octal, hexadecimal, short) are dotted by the parser (WHATWG URL) before.
 *
 * @throws OutboundFailure
 */
export function checkUrl(text: string, allow: readonly string[]): URL {
  if (!URL.canParse(text)) throw new OutboundFailure('url-invalid');
  const url = new URL(text);
  if (url.username || url.password || url.hostname === '') throw new OutboundFailure('url-invalid');
  const allowed = allow.includes(hostAndPort(url));
  if (!schemeAllowed(url, allow)) throw new OutboundFailure('scheme-refused');
  const literal = bare(url.hostname);
  if (!allowed && isIP(literal) && !isPublicAddress(literal)) throw new OutboundFailure('address-refused');
  return url;
}

/** True of `https:`, and of `http:` to an allowed `host:port`. */
export function schemeAllowed(url: URL, allow: readonly string[]): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && allow.includes(hostAndPort(url)));
}

function hostAndPort(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`;
}

/** An IPv6 address without the brackets it has in a URL. */
function bare(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

/** One inward address among several is enough to refuse: which of them is dialled must not be luck. */
async function pin(url: URL, allow: readonly string[], resolve: ResolveName): Promise<ResolvedAddress> {
  const host = bare(url.hostname);
  const family = isIP(host);
  if (family) return { address: host, family };
  const addresses = await resolve(host).catch(() => []);
  const [first] = addresses;
  if (!first) throw new OutboundFailure('name-unresolvable');
  if (!allow.includes(hostAndPort(url)) && !addresses.every(({ address }) => isPublicAddress(address)))
    throw new OutboundFailure('address-refused');
  return first;
}

async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new OutboundFailure('connection-failed'));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function exchange(call: GuardedCall, url: URL, pinned: ResolvedAddress, signal: AbortSignal): Promise<GuardedAnswer> {
  // The socket asks for the name once more; it is told what was judged.
  const pinnedLookup: LookupFunction = (_hostname, options, done) =>
    options.all ? done(null, [pinned]) : done(null, pinned.address, pinned.family);
  const headers: OutgoingHttpHeaders = { ...call.headers, 'content-length': Buffer.byteLength(call.body) };
  const options: RequestOptions = {
    method: call.method ?? 'POST',
    headers,
    lookup: pinnedLookup,
    agent: false,
    signal,
  };
  const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = open(url, options, (answer) => {
      read(answer, call).then(resolve, (error: unknown) => {
        outgoing.destroy();
        reject(error as Error);
      });
    });
    outgoing.on('error', reject);
    // Asked for by nobody; without a listener Node ends the connection and says nothing.
    outgoing.on('upgrade', (_answer, socket) => {
      socket.destroy();
      reject(new OutboundFailure('connection-failed'));
    });
    outgoing.end(call.body);
  });
}

async function read(answer: IncomingMessage, call: GuardedCall): Promise<GuardedAnswer> {
  const { statusCode: status = 0, headers } = answer;
  if (status >= 300 && status < 400) throw new OutboundFailure('redirect-refused');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size <= call.maxBytes) continue;
    if (!call.cut) throw new OutboundFailure('answer-too-large');
    // Leaving the loop destroys the answer, and with it the connection.
    break;
  }
  const texts = Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]);
  return {
    status,
    headers: Object.fromEntries(texts) as Record<string, string>,
    body: Buffer.concat(chunks).subarray(0, call.maxBytes),
  };
}
