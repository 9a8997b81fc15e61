/** A load balancer in small: passes connections on to replicas that say they are ready. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpSwitch {
  baseUrl: string;
  /** Ports of the replicas there are. */
  replicas: Set<number>;
  /** Ports of those that said so last: new connections go to these, in turn. */
  ready: ReadonlySet<number>;
  /** Takes a replica out; resolves when none of its connections is open any more. */
  release(port: number): Promise<void>;
  close(): Promise<void>;
}

const PROBE_MS = 50;

/** Starts it; a replica is asked for its readiness all the time, and gets new connections while it is ready. */
export async function openSwitch(): Promise<TcpSwitch> {
  const replicas = new Set<number>();
  const ready = new Set<number>();
  const sockets = new Set<Socket>();
  const open = new Map<number, number>();
  let turn = 0;
  const probe = setInterval(() => {
    for (const port of ready) if (!replicas.has(port)) ready.delete(port);
    for (const port of replicas)
      void fetch(`http://127.0.0.1:${port}/readyz`, { headers: { connection: 'close' } })
        .then((answer) => answer.ok)
        .catch(() => false)
        .then((ok) => (ok && replicas.has(port) ? ready.add(port) : ready.delete(port)));
  }, PROBE_MS);
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  };
  /** To a replica that takes connections: one that went since it was asked is passed over, as balancers do. */
  const pass = (client: Socket): void => {
    const ports = [...ready];
    const port = ports[(turn += 1) % Math.max(1, ports.length)];
    if (port === undefined) {
      client.destroy();
      return;
    }
    const replica = connect(port, '127.0.0.1');
    keep(replica);
    open.set(port, (open.get(port) ?? 0) + 1);
    replica.once('close', () => open.set(port, (open.get(port) ?? 1) - 1));
    const refused = (): void => {
      ready.delete(port);
      pass(client);
    };
    replica.once('error', refused);
    replica.once('connect', () => {
      replica.off('error', refused);
      client.pipe(replica).pipe(client);
      client.once('close', () => replica.destroy());
      replica.once('close', () => client.end());
    });
  };
  const server = createServer((client) => {
    keep(client);
    pass(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    replicas,
    ready,
    release: async (port) => {
      replicas.delete(port);
      ready.delete(port);
      while ((open.get(port) ?? 0) > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    },
    close: async () => {
      clearInterval(probe);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
