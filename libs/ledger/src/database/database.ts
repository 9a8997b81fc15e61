/** PostgreSQL with the tenant set in every transaction, so that row-level security holds below our own predicates. */
import type { PoolClient, PoolConfig, QueryResultRow } from 'pg';
import type { TenantId } from '#kernel';
import { ConnectionPool, probe, type Limits, type WaitListener } from './connection-pool.js';
import { ServerWatch, type AvailabilityListener } from './server-watch.js';

/** A statement; `name` makes it a prepared one (12 to 24 times cheaper than through an ORM, measured). */
export interface Statement {
  name?: string;
  text: string;
  values?: unknown[];
  /** See `InlineTable.redo`. */
  redo?: string;
}

export interface Rows<Row> {
  rows: Row[];
  rowCount: number | null;
}

/** Runs one statement in the current transaction. */
export type Query = <Row extends QueryResultRow = QueryResultRow>(statement: Statement) => Promise<Rows<Row>>;

const READS_AT_ONCE = 200;
/** Of one tenant; below the number of connections, so that a slow read of one tenant leaves room for the others. */
const SHARED_READS = 2;
const PARALLEL_READS = 4;
const PARALLEL_FLUSHES = 4;

/** The three pools. A flush holds the head of its log, so that nobody else can append: it is the most impatient. */
const limits = {
  flushes: { statement: 10_000, lock: 5_000, idle: 5_000 },
  reads: { statement: 10_000, lock: 5_000, idle: 10_000 },
  transactions: { statement: 15_000, lock: 10_000, idle: 30_000 },
} satisfies Record<string, Limits>;

/** Names of the pools, for metrics. */
export type PoolName = keyof typeof limits;

/** How busy a pool is. */
export interface PoolUse {
  /** Connections lent at the moment. */
  lent: number;
  /** Callers that wait for one. */
  waiting: number;
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
  private readonly flushes: ConnectionPool;
  private readonly transactions: ConnectionPool;
  private readonly reads: ConnectionPool;
  private readonly watch: ServerWatch;
  private readonly waits = new Set<(pool: PoolName, seconds: number) => void>();
  private readonly waiting = new Map<TenantId, Waiting[]>();
  /** Shared reads under way, by tenant. */
  private readonly reading = new Map<TenantId, number>();

  /** `max` bounds the transactions; reads and flushes have up to 4 connections each, opened when needed. */
  constructor(config: PoolConfig) {
    this.watch = new ServerWatch((timeoutMs) => probe(config, timeoutMs));
    const open = (name: PoolName, max: number): ConnectionPool => {
      const waited: WaitListener = (seconds) => this.waits.forEach((listener) => listener(name, seconds));
      return new ConnectionPool({ ...config, max }, limits[name], this.watch, waited);
    };
    this.transactions = open('transactions', config.max ?? 12);
    this.reads = open('reads', PARALLEL_READS);
    this.flushes = open('flushes', PARALLEL_FLUSHES);
  }

  /** False while the server is known not to answer: then every call is refused at once with `DatabaseUnavailable`. */
  get available(): boolean {
    return !this.watch.isDown;
  }

  /** Registers a listener for the server going and coming back; returns how to remove it. */
  onAvailability(listener: AvailabilityListener): () => void {
    return this.watch.onChange(listener);
  }

  /** Registers a listener for the server saying that its disk is full; returns how to remove it. */
  onNoRoom(listener: () => void): () => void {
    return this.watch.onNoRoom(listener);
  }

  /** Registers a listener for how long callers waited for a connection; returns how to remove it. */
  onWait(listener: (pool: PoolName, seconds: number) => void): () => void {
    this.waits.add(listener);
    return () => this.waits.delete(listener);
  }

  /** How busy each pool is at the moment. */
  get use(): Record<PoolName, PoolUse> {
    const of = ({ lent, waiting }: ConnectionPool): PoolUse => ({ lent, waiting });
    return { flushes: of(this.flushes), reads: of(this.reads), transactions: of(this.transactions) };
  }

  /** A connection for flushes; to be released. */
  lendForFlush(): Promise<PoolClient> {
    return this.flushes.lend();
  }

  /**
   * Runs `work` in one transaction of one tenant; commits when it resolves, rolls back when it throws. It throws as well
   * when a statement failed and `work` went on: PostgreSQL would have answered the COMMIT with ROLLBACK.
   */
  async transaction<T>(tenant: TenantId, work: (query: Query) => Promise<T>, readOnly = false): Promise<T> {
    return this.transact(await this.transactions.lend(), tenant, work, readOnly);
  }

  /** A transaction whose statements may take as long as they need: for work on a whole log, in no caller's time. */
  async longTransaction<T>(tenant: TenantId, work: (query: Query) => Promise<T>): Promise<T> {
    const client = await this.transactions.lend();
    const unbounded = {
      text: `SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true)`,
    };
    const patient = async (query: Query): Promise<T> => {
      await query(unbounded);
      return work(query);
    };
    return this.transactions.patiently(client, () => this.transact(client, tenant, patient, false));
  }

  private async transact<T>(
    client: PoolClient,
    tenant: TenantId,
    work: (query: Query) => Promise<T>,
    readOnly: boolean,
  ): Promise<T> {
    let broken: Error | undefined;
    let over = false;
    let refused: Error | undefined;
    const query = async (statement: Statement): Promise<Rows<QueryResultRow>> => {
      // A statement after the end would run in the transaction, and the tenant, of whoever has the connection next.
      if (over) throw new Error('a statement came after the end of its transaction');
      if (refused) throw refused;
      return client.query(statement).catch((error: Error) => {
        if (!isAnswer(error)) broken = error;
        throw error;
      });
    };
    // The first statements leave with it. Refused before it began there is no transaction: nothing more goes out, and what
    // went out had no tenant.
    const opened = begin(client, tenant, readOnly);
    opened.catch((error: Error) => (refused = error));
    try {
      const result = await work(query as Query);
      over = true;
      await opened;
      const { command } = await client.query('COMMIT');
      if (command !== 'COMMIT') throw new Error('the transaction was rolled back: one of its statements failed');
      return result;
    } catch (error) {
      over = true;
      await client.query('ROLLBACK').catch((failure: Error) => (broken = failure));
      // What failed first is the cause of what failed behind it.
      await opened;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /** One statement outside any tenant: only for tables without personal data that are not tenant-scoped. */
  async global<Row extends QueryResultRow = QueryResultRow>(statement: Statement): Promise<Rows<Row>> {
    const client = await this.reads.lend();
    let broken: Error | undefined;
    try {
      return await client.query<Row>(statement);
    } catch (error) {
      if (!isAnswer(error)) broken = error as Error;
      throw error;
    } finally {
      client.release(broken);
    }
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
      client = await this.reads.lend();
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
      if (settled[0]?.status === 'rejected') item.reject(settled[0].reason);
      else if (outcome?.status === 'fulfilled') item.resolve(outcome.value as Rows<QueryResultRow>);
      else if (index > 0 && codeOf(outcome?.reason) === IN_FAILED_TRANSACTION) dragged.push(item);
      else item.reject(outcome?.reason);
    });
    // A read that fails aborts the shared transaction: its neighbours are read again, without it.
    if (dragged.length > 0) await this.fetchAll(tenant, dragged);
  }

  async close(): Promise<void> {
    await Promise.all([this.transactions.end(), this.flushes.end(), this.reads.end()]);
    this.watch.close();
  }
}

const IN_FAILED_TRANSACTION = '25P02';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Opens a transaction of one tenant, in one message: this is sent more often than anything else. */
export async function begin(client: PoolClient, tenant: TenantId, readOnly: boolean): Promise<void> {
  // A message of several statements takes no parameters; nothing but a UUID gets into its text.
  if (!UUID.test(tenant)) throw new TypeError('a tenant is named by a UUID');
  await client.query(`BEGIN${readOnly ? ' READ ONLY' : ''}; SET LOCAL lethe.tenant = '${tenant}'`);
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
