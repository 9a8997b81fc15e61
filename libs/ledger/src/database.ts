/** PostgreSQL with the tenant set in every transaction, so that row-level security holds below our own predicates. */
import type { Writable } from 'node:stream';
import { Pool, types, type PoolClient, type PoolConfig, type QueryResultRow } from 'pg';
import type { TenantId } from '#kernel';

/** A statement; `name` makes it a prepared one (12 to 24 times cheaper than through an ORM, measured). */
export interface Statement {
  name?: string;
  text: string;
  values?: unknown[];
}

export interface Rows<Row> {
  rows: Row[];
  rowCount: number | null;
}

/** Runs one statement in the current transaction. */
export type Query = <Row extends QueryResultRow = QueryResultRow>(statement: Statement) => Promise<Rows<Row>>;

const int8 = 20;
const date = 1082;
const READS_AT_ONCE = 200;
/** Of one tenant; below the number of connections, so that a slow read of one tenant leaves room for the others. */
const SHARED_READS = 2;
const PATIENCE_MS = 15_000;

/** Positions and counts stay below 2^53 and are numbers; dates without time stay text, since a `Date` would add a zone. */
function parserOf(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === int8) return Number;
  if (oid === date) return String;
  return types.getTypeParser(oid, format as 'text') as (value: string) => unknown;
}

interface Waiting {
  statement: Statement;
  resolve: (rows: Rows<QueryResultRow>) => void;
  reject: (error: unknown) => void;
}

/**
 * Access to one PostgreSQL. BEGIN to COMMIT is one unit on a connection and never interleaved with another caller:
 * an interleaved pair would run under the other's tenant.
 *
 * Three pools, because what holds a connection may need one of the next kind: a transaction may read and append, a
 * flush may read, a read needs nothing. With one pool for all, enough transactions at once would wait for ever.
 */
export class Database {
  /** Flushes of the ledger. */
  readonly flushes: Pool;
  private readonly transactions: Pool;
  private readonly reads: Pool;
  private readonly waiting = new Map<TenantId, Waiting[]>();
  /** Shared reads under way, by tenant. */
  private readonly reading = new Map<TenantId, number>();

  /** `max` bounds the transactions; reads and flushes have up to 4 connections each, opened when needed. */
  constructor(config: PoolConfig) {
    this.transactions = openPool({ max: 12, ...config });
    this.reads = openPool({ ...config, max: 4 });
    this.flushes = openPool({ ...config, max: 4 });
  }

  /**
   * Runs `work` in one transaction of one tenant; commits when it resolves, rolls back when it throws. It throws as well
   * when a statement failed and `work` went on: PostgreSQL would have answered the COMMIT with ROLLBACK.
   */
  async transaction<T>(tenant: TenantId, work: (query: Query) => Promise<T>, readOnly = false): Promise<T> {
    const client = await this.transactions.connect();
    let broken: Error | undefined;
    let over = false;
    const query = async (statement: Statement): Promise<Rows<QueryResultRow>> => {
      // A statement after the end would run in the transaction, and the tenant, of whoever has the connection next.
      if (over) throw new Error('a statement came after the end of its transaction');
      return client.query(statement).catch((error: Error) => {
        if (!isAnswer(error)) broken = error;
        throw error;
      });
    };
    try {
      await begin(client, tenant, readOnly);
      const result = await work(query as Query);
      over = true;
      const { command } = await client.query('COMMIT');
      if (command !== 'COMMIT') throw new Error('the transaction was rolled back: one of its statements failed');
      return result;
    } catch (error) {
      over = true;
      await client.query('ROLLBACK').catch((failure: Error) => (broken = failure));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /** One statement outside any tenant: only for tables without personal data that are not tenant-scoped. */
  async global<Row extends QueryResultRow = QueryResultRow>(statement: Statement): Promise<Rows<Row>> {
    return this.reads.query<Row>(statement);
  }

  /**
   * One read. Reads of the same tenant that arrive in the same turn of the event loop, or while enough of them are under
   * way, share one read-only transaction in one round trip (pipelined), which costs a third of one transaction each.
   */
  fetch<Row extends QueryResultRow = QueryResultRow>(tenant: TenantId, statement: Statement): Promise<Rows<Row>> {
    return new Promise<Rows<QueryResultRow>>((resolve, reject) => {
      const item: Waiting = { statement, resolve, reject };
      const queue = this.waiting.get(tenant);
      if (queue) {
        queue.push(item);
        return;
      }
      this.waiting.set(tenant, [item]);
      setImmediate(() => this.readNext(tenant));
    }) as Promise<Rows<Row>>;
  }

  private readNext(tenant: TenantId): void {
    const queue = this.waiting.get(tenant);
    const busy = this.reading.get(tenant) ?? 0;
    if (!queue || busy >= SHARED_READS) return;
    const items = queue.splice(0, READS_AT_ONCE);
    if (queue.length === 0) this.waiting.delete(tenant);
    this.reading.set(tenant, busy + 1);
    void this.fetchAll(tenant, items).finally(() => {
      const left = (this.reading.get(tenant) ?? 1) - 1;
      if (left > 0) this.reading.set(tenant, left);
      else this.reading.delete(tenant);
      this.readNext(tenant);
    });
    this.readNext(tenant);
  }

  private async fetchAll(tenant: TenantId, items: Waiting[]): Promise<void> {
    let client: PoolClient;
    try {
      client = await this.reads.connect();
    } catch (error) {
      for (const item of items) item.reject(error);
      return;
    }
    const opened = begin(client, tenant, true);
    const results = items.map((item) => client.query(item.statement));
    const settled = await Promise.allSettled([opened, ...results, client.query('COMMIT')]);
    const reasons = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
    client.release(reasons.find((reason) => !isAnswer(reason)));
    const dragged: Waiting[] = [];
    items.forEach((item, index) => {
      const outcome = settled[index + 1];
      if (outcome?.status === 'fulfilled') item.resolve(outcome.value as Rows<QueryResultRow>);
      else if (index > 0 && codeOf(outcome?.reason) === IN_FAILED_TRANSACTION) dragged.push(item);
      else item.reject(outcome?.reason);
    });
    // A read that fails aborts the shared transaction: its neighbours are read again, without it.
    if (dragged.length > 0) await this.fetchAll(tenant, dragged);
  }

  async close(): Promise<void> {
    await Promise.all([this.transactions.end(), this.flushes.end(), this.reads.end()]);
  }
}

const IN_FAILED_TRANSACTION = '25P02';

function openPool(config: PoolConfig): Pool {
  const pool = new Pool({
    application_name: 'lethe',
    connectionTimeoutMillis: PATIENCE_MS,
    keepAlive: true,
    ...config,
    pipeline: true,
    types: { getTypeParser: parserOf as never },
  });
  // A connection that dies, idle or lent, tells its user through the query; without these listeners the process would end.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    gather((client as unknown as { connection: { stream: Writable } }).connection.stream);
  });
  return pool;
}

/** What is written in one turn of the event loop leaves in one system call: `pg` would make one of every message. */
function gather(stream: Writable): void {
  const write = stream.write.bind(stream) as (...chunk: unknown[]) => boolean;
  let corked = false;
  stream.write = (...chunk: unknown[]): boolean => {
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

/** Opens a transaction of one tenant; both statements go out in one round trip. */
export function begin(client: PoolClient, tenant: TenantId, readOnly: boolean): Promise<unknown> {
  return Promise.all([
    client.query(readOnly ? 'BEGIN READ ONLY' : 'BEGIN'),
    client.query({ name: 'set-tenant', text: `SELECT set_config('lethe.tenant', $1, true)`, values: [tenant] }),
  ]);
}

/** SQLSTATE of a server's answer, or the code of a socket's error. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** True when the server itself refused the statement; then the transaction is rolled back and the connection is sound. */
export function isAnswer(error: unknown): boolean {
  const severity = (error as { severity?: unknown } | null)?.severity;
  return typeof severity === 'string' && severity !== 'FATAL' && severity !== 'PANIC';
}
