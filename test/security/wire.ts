/** Sends calls as they are, however malformed, over a few kept connections; and what is wrong with an answer. */
import { Agent, request } from 'node:http';
import type { Operation, WireCall } from './openapi-inputs.js';

export interface Answer {
  status: number;
  type: string;
  retryAfter: string | undefined;
  text: string;
  ms: number;
}

/** A client of `atOnce` connections. `undefined`: the connection was cut. */
export class Wire {
  private readonly agent: Agent;
  sent = 0;

  constructor(
    private readonly baseUrl: () => string,
    atOnce: number,
  ) {
    this.agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  }

  send(operation: Pick<Operation, 'method'>, call: WireCall, key: string): Promise<Answer | undefined> {
    return new Promise((resolve, reject) => {
      const { hostname: host, port } = new URL(this.baseUrl());
      const began = performance.now();
      this.sent += 1;
      const headers = { authorization: `Bearer ${key}`, 'idempotency-key': `fuzz-${this.sent}`, ...call.headers };
      const { method } = operation;
      const outgoing = request({ agent: this.agent, host, port, method, path: call.path, headers }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            type: incoming.headers['content-type'] ?? '',
            retryAfter: incoming.headers['retry-after'],
            text: Buffer.concat(chunks).toString('utf8'),
            ms: performance.now() - began,
          }),
        );
      });
      outgoing.on('error', (error: Error & { code?: string }) =>
        ['ECONNRESET', 'EPIPE'].includes(error.code ?? '') ? resolve(undefined) : reject(error),
      );
      outgoing.end(call.body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

/** Load shedding is an answer too: 503 with a time to come back. */
export const isShed = ({ status, retryAfter }: Answer): boolean => status === 503 && /^\d+$/.test(retryAfter ?? '');

/** The service reads no more of a body than this; a refusal may end the connection while the rest is on its way. */
const BODY_LIMIT = 1024 * 1024;

/** What is wrong with an answer to bad input; undefined when nothing is. */
export function complaint(call: WireCall, answer: Answer | undefined, canary: string): string | undefined {
  if (!answer) return (call.body?.length ?? 0) > BODY_LIMIT ? undefined : 'the connection was cut';
  const { status, type, text } = answer;
  if (status >= 500 && !isShed(answer)) return `${status} ${text}`;
  if (status < 400) return undefined;
  if (!type.startsWith('application/problem+json')) return `${status} is no problem document but ${type}`;
  const problem = JSON.parse(text) as { code?: string; status?: number };
  if (!/^[a-z][a-z0-9-]+$/.test(problem.code ?? '') || problem.status !== status)
    return `${status} has no stable code: ${text}`;
  return text.includes(canary) ? `${status} echoes what was sent: ${text}` : undefined;
}
