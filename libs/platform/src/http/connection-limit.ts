/** How many connections a process holds: beyond that files, databases and plugins would be without descriptors. */
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';

const MOST = 10_000;
/** The rest is for databases, key files, archives and plugins. */
const SHARE = 3 / 4;
/** Ending idle connections is for the flood, not for every single connection of it. */
const ROOM_MS = 1_000;

/** What fits into the open files that this process may have; Linux says how many, elsewhere it is the default. */
export function connectionsThatFit(limits = readLimits()): number {
  const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
  return Math.min(MOST, Math.floor(soft * SHARE));
}

/**
 * Ends what comes beyond `most` at once, and makes room: connections on which nothing is asked are ended, so that whoever
 * keeps them open keeps nobody out. Silent ones end by the timeout of their headers.
 *
 * @param dropped told of each connection that was ended
 */
export function limitConnections(server: Server, most: number, dropped: () => void): void {
  let roomAt = Number.NEGATIVE_INFINITY;
  server.maxConnections = most;
  server.on('drop', () => {
    dropped();
    const now = performance.now();
    if (now - roomAt < ROOM_MS) return;
    roomAt = now;
    server.closeIdleConnections();
  });
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
