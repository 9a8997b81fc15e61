/** A way to a server on which every byte is late by as much as the spec says. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

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
    // What was sent first arrives first, also when the way has become faster since.
    let last = 0;
    let under = 0;
    from.on('data', (chunk: Buffer) => {
      if (under === 0 && this.delayMs === 0) return void to.write(chunk);
      last = Math.max(last, performance.now() + this.delayMs);
      under += 1;
      setTimeout(() => {
        under -= 1;
        if (to.writable) to.write(chunk);
      }, last - performance.now()).unref();
    });
  }
}
