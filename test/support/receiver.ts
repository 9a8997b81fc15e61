/** Somebody's webhook receiver: a real HTTP server that answers as the test wants, and keeps what it was sent. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  /** The exact bytes: what a signature covers. */
  text: string;
  // The spec's expectations check the content.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
  /** Status it was answered with; 0 when it was left hanging. */
  answered: number;
}

/** A status, a status with headers, or `hang` for never. */
export type Reply = number | { status: number; headers: Record<string, string> } | 'hang';

export interface Receiver {
  /** `host:port`, as an operator allows it. */
  host: string;
  url: string;
  received: Received[];
  /** Changes what it answers from now on. */
  answer(how: (message: Omit<Received, 'answered'>, count: number) => Reply): void;
  /** Cuts every connection, those left hanging included; it goes on listening. */
  cut(): void;
  close(): Promise<void>;
}

/** Settings of a service that may reach these. */
export const allowing = (receivers: readonly Receiver[]): { LETHE_OUTBOUND_ALLOW: string } => ({
  LETHE_OUTBOUND_ALLOW: receivers.map(({ host }) => host).join(','),
});

/** Listens on a free port of 127.0.0.1 and answers 200. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  let how: (message: Omit<Received, 'answered'>, count: number) => Reply = () => 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const message = { path: request.url ?? '', headers: request.headers, text, body: JSON.parse(text || 'null') };
      const reply = how(message, received.length);
      received.push({ ...message, answered: send(response, reply) });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ host, url: `http://${host}/hook`, received },
    answer: (next) => void (how = next),
    cut: () => server.closeAllConnections(),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function send(response: ServerResponse, reply: Reply): number {
  if (reply === 'hang') return 0;
  const { status, headers } = typeof reply === 'number' ? { status: reply, headers: {} } : reply;
  response.writeHead(status, headers).end();
  return status;
}
