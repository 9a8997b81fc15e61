/** A way to a server on which every byte is late by as much as the spec says. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class SlowProxy {
  /** Milliseconds by which what passes is late, in each direction. */
  delayMs = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: { host: string; port: number },
  ) {
    server.on('connection', (near) => this.join(near));
  }

  static async before(url: string): Promise<{ proxy: SlowProxy; url: string }> {
    const to = new URL(url);
    const server = createServer();
    const proxy = new SlowProxy(server, { host: to.hostname, port: Number(to.port) });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    to.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { proxy, url: to.toString() };
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(near: Socket): void {
    const far = connect(this.target);
    this.pass(near, far);
    this.pass(far, near);
  }

  private pass(from: Socket, to: Socket): void {
    this.sockets.add(from);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroy();
    });
    from.on('data', (chunk: Buffer) => {
      if (this.delayMs === 0) to.write(chunk);
      else setTimeout(() => to.writable && to.write(chunk), this.delayMs).unref();
    });
  }
}
