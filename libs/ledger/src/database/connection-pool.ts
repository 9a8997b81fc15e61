/** Connections to one PostgreSQL: bounded in number and in patience, watched, and replaced when they break. */
import type { EventEmitter } from 'node:events';
import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import { Client, Pool, types, type ClientConfig, type PoolClient, type PoolConfig } from 'pg';
import { DatabaseUnavailable, type Line, type ServerWatch } from './server-watch.js';

/** How long one pool's statements may take; milliseconds. The server enforces them while it lives. */
export interface Limits {
  statement: number;
  lock: number;
  /** An open transaction that is asked nothing holds its locks no longer than this. */
  idle: number;
}

/** Told how long a caller waited for a connection. */
export type WaitListener = (seconds: number) => void;

/** For a connection that is lent already; a new one is judged by the watch. */
const PATIENCE_MS = 8_000;
const ANSWER_MARGIN_MS = 3_000;
const KEEP_ALIVE_MS = 5_000;
/**
 * How long a plan of a prepared statement is used. PostgreSQL keeps one made while a table was small until somebody
 * analyses the table; meanwhile it read half of it for one row (measured: 10 ms instead of 0.1 after 20,000 rows).
 */
const PLANS_MS = 5_000;
const DISK_FULL = '53100';
const int8 = 20;
const date = 1082;
/** What the server notices by itself of a client that vanished: its locks must not outlive it by hours. */
const SERVER_SIDE =
  '-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 -c tcp_user_timeout=10000';
/** PostgreSQL starts or ends, or the socket says that nobody is there. */
const unreachable = /^57P0[1-3]$|^08|^ECONN|^EHOST|^ENET|^ETIMEDOUT|^EPIPE|^EAI_|^ENOTFOUND|^ENOENT/;

/** True for a code that asks for a look at the server itself. */
export function pointsToOutage(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === 'string') return unreachable.test(code);
  return typeof message === 'string' && /terminated|timeout/i.test(message);
}

/** A pool that refuses at once while its server is known to be gone. */
export class ConnectionPool {
  private readonly pool: Pool;
  private readonly lines = new WeakMap<PoolClient, Line>();
  /** When a connection's plans were last thrown away; milliseconds. */
  private readonly planned = new WeakMap<PoolClient, number>();

  constructor(
    config: PoolConfig,
    limits: Limits,
    private readonly watch: ServerWatch,
    private readonly waited: WaitListener,
  ) {
    this.pool = new Pool({ ...connectionConfig(config, limits), connectionTimeoutMillis: PATIENCE_MS });
    // A connection that dies, idle or lent, tells its user through the query; without these listeners the process would end.
    this.pool.on('error', () => undefined);
    this.pool.on('connect', (client) => this.attend(client, limits.statement + ANSWER_MARGIN_MS));
  }

  /** Errors: `DatabaseUnavailable` at once while the server is gone, else what the driver says. Give it back by `release`. */
  async lend(): Promise<PoolClient> {
    this.watch.assertUp();
    const asked = performance.now();
    try {
      const client = await this.watch.orDown(this.pool.connect(), (late) => late.release());
      this.waited((performance.now() - asked) / 1000);
      this.planAnew(client);
      return client;
    } catch (error) {
      if (pointsToOutage(error)) this.watch.suspect();
      throw error;
    }
  }

  /** Runs `work` without bounds on its statements: for work in the background on a whole log. */
  async patiently<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
    const line = this.lines.get(client);
    const patienceMs = line?.patienceMs ?? 0;
    if (line) line.patienceMs = Infinity;
    try {
      return await work();
    } finally {
      if (line) line.patienceMs = patienceMs;
    }
  }

  /** Callers that wait for a connection. */
  get waiting(): number {
    return this.pool.waitingCount;
  }

  /** Connections that are lent. */
  get lent(): number {
    return this.pool.totalCount - this.pool.idleCount;
  }

  end(): Promise<void> {
    return this.pool.end();
  }

  /** Leaves with the first statement of whoever has borrowed the connection, and costs no round trip. */
  private planAnew(client: PoolClient): void {
    const now = performance.now();
    const since = this.planned.get(client);
    if (since !== undefined && now - since < PLANS_MS) return;
    this.planned.set(client, now);
    // A connection that refuses this refuses what comes next, which tells its caller.
    if (since !== undefined) client.query('DISCARD PLANS').catch(() => undefined);
  }

  private attend(client: PoolClient, patienceMs: number): void {
    const { connection } = client as unknown as { connection: EventEmitter & { stream: Duplex } };
    const { stream } = connection;
    const destroy = (reason: Error): void => void stream.destroy(reason);
    const line: Line = { heardAt: performance.now(), busy: false, patienceMs, destroy };
    this.lines.set(client, line);
    client.on('error', (error) => {
      if (pointsToOutage(error)) this.watch.suspect();
    });
    connection.on('errorMessage', ({ code }: { code?: string }) => {
      if (code === DISK_FULL) this.watch.noRoom();
    });
    client.on('drain', () => (line.busy = false));
    client.once('end', () => this.watch.forget(line));
    stream.on('data', () => this.watch.heard(line));
    gather(stream, () => {
      if (line.busy) return;
      line.busy = true;
      line.heardAt = performance.now();
    });
    this.watch.add(line);
  }
}

/** Opens a connection of its own and asks for nothing but an answer. Rejects when none comes in time. */
export async function probe(config: PoolConfig, timeoutMs: number): Promise<void> {
  const client = new Client({ ...(config as ClientConfig), application_name: 'lethe-probe' });
  client.on('error', () => undefined);
  const { stream } = (client as unknown as { connection: { stream: Duplex } }).connection;
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DatabaseUnavailable('no answer')), timeoutMs);
  });
  try {
    await Promise.race([client.connect().then(() => client.query('SELECT 1')), silence]);
  } catch (error) {
    // Whoever refuses is there: too many connections, or a wrong password, is another trouble than an outage.
    if (pointsToOutage(error) || (error as { severity?: unknown }).severity === undefined) throw error;
  } finally {
    clearTimeout(timer);
    client.end().catch(() => undefined);
    stream.destroy();
  }
}

function connectionConfig(config: PoolConfig, limits: Limits): PoolConfig {
  return {
    application_name: 'lethe',
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    statement_timeout: limits.statement,
    lock_timeout: limits.lock,
    idle_in_transaction_session_timeout: limits.idle,
    options: SERVER_SIDE,
    ...config,
    pipeline: true,
    types: { getTypeParser: parserOf as never },
  };
}

/** Positions and counts stay below 2^53 and are numbers; dates without time stay text, since a `Date` would add a zone. */
function parserOf(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === int8) return Number;
  if (oid === date) return String;
  return types.getTypeParser(oid, format as 'text') as (value: string) => unknown;
}

/** What is written in one turn of the event loop leaves in one system call: `pg` would make one of every message. */
function gather(stream: Duplex, written: () => void): void {
  const write = stream.write.bind(stream) as (...chunk: unknown[]) => boolean;
  let corked = false;
  stream.write = (...chunk: unknown[]): boolean => {
    written();
    if (!corked) {
      corked = true;
      stream.cork();
      process.nextTick(() => {
        corked = false;
        stream.uncork();
      });
    }
    return write(...chunk);
  };
}
