/** A port for a server that must come back on it: none that the system hands out to whoever connects meanwhile. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below every usual range of ephemeral ports (Linux 32768, RFC 6335 section 6: 49152), above the well-known servers. */
const [FIRST, LAST] = [20_000, 32_000];
const TRIES = 100;

/** A free port of 127.0.0.1; while its server is away, nobody gets it by chance. */
export async function quietPort(): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = randomInt(FIRST, LAST);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${LAST} on 127.0.0.1`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen({ port, host: '127.0.0.1', exclusive: true });
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
