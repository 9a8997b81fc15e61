/** Where the descriptors of a new plugin arrive: a private socket, on which each says first which one it is. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A key is known to the spawner alone and good for one connection; this many bytes, written as twice as many digits. */
const KEY_BYTES = 16;
/** Who says nothing for this long is cut off. */
const SAY_MS = 5_000;

/** Connections that belong together. */
export interface Expected {
  keys: string[];
  /** In the order of the keys; never rejects. Nothing of what a plugin writes is lost before somebody reads. */
  all: Promise<Socket[]>;
  /** Those that have come are closed, and no more are let in. */
  drop(): void;
}

/** Plugins with users of their own cannot come in, because the folder is closed to them; the key keeps out all others. */
export class Introductions {
  private readonly awaited = new Map<string, (socket: Socket) => void>();

  private constructor(
    private readonly folder: string,
    private readonly server: Server,
  ) {
    server.on('connection', (socket) => this.meet(socket));
    // No descriptor is left for the connection: the start that waits for it says so.
    server.on('error', () => undefined);
    server.unref();
  }

  /** Rejects when no socket can be made where temporary files are. */
  static async open(): Promise<Introductions> {
    const folder = await mkdtemp(join(tmpdir(), 'lethe-spawner-'));
    const server = createServer();
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(pathIn(folder), resolve);
      });
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    return new Introductions(folder, server);
  }

  get path(): string {
    return pathIn(this.folder);
  }

  /** False when a cleaner of temporary files took the socket away. */
  get intact(): boolean {
    return existsSync(this.path);
  }

  expect(count: number): Expected {
    const keys = Array.from({ length: count }, () => randomBytes(KEY_BYTES).toString('hex'));
    const come: Socket[] = [];
    const arrival = (key: string): Promise<Socket> =>
      new Promise((resolve) => {
        this.awaited.set(key, (socket) => {
          come.push(socket);
          resolve(socket);
        });
      });
    const drop = (): void => {
      for (const key of keys) this.awaited.delete(key);
      for (const socket of come) socket.destroy();
    };
    return { keys, all: Promise.all(keys.map(arrival)), drop };
  }

  async close(): Promise<void> {
    this.server.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  private meet(socket: Socket): void {
    socket.on('error', () => undefined);
    const late = setTimeout(() => socket.destroy(), SAY_MS).unref();
    const listen = (): void => {
      // What follows the key stays in the socket, for whoever reads it.
      const said = socket.read(2 * KEY_BYTES) as Buffer | null;
      if (said === null) return;
      clearTimeout(late);
      socket.off('readable', listen);
      const key = said.toString('latin1');
      const welcome = this.awaited.get(key);
      this.awaited.delete(key);
      if (welcome) welcome(socket);
      else socket.destroy();
    };
    socket.on('readable', listen);
  }
}

function pathIn(folder: string): string {
  // Such a path may have some hundred characters, and folders for temporary files are deep.
  return join(folder, 's');
}
