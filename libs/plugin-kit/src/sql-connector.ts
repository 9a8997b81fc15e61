/** Makes a connector of a dialect: the same engine for every SQL system. */
import { ConnectorError, type Check, type Connector, type Ctx, type Hit, type RetentionRule } from '@lethe/plugin-sdk';
import { applyTargets } from './apply-targets.js';
import { checkTables, describeDatasets, horizonOf } from './describe-tables.js';
import type { Dialect } from './dialect.js';
import { locateItem, readItem } from './locate-rows.js';
import { MappedTables } from './mapped-tables.js';
import type { TableMap } from './table-map.js';
import { verifyItem } from './verify-rows.js';

/** What a SQL plugin makes of its configuration for one call. */
export interface SqlSystem {
  dialect: Dialect;
  map: TableMap;
  /** Days until the last backup with erased rows is gone. */
  backupDays?: number | undefined;
}

const LONGEST_CALL_MS = 3_600_000;

/** Milliseconds a call has left by the host's clock; at least one second, at most an hour. */
export function timeLeft(x: Pick<Ctx<unknown>, 'deadline' | 'now'>): number {
  return Math.min(LONGEST_CALL_MS, Math.max(1000, x.deadline.getTime() - x.now().getTime()));
}

async function reading<T>(system: SqlSystem, work: (tables: MappedTables) => Promise<T>): Promise<T> {
  return system.dialect.transaction('read', async (session) =>
    work(await MappedTables.open(system.dialect, session, system.map)),
  );
}

/** Groups so that each person's rows leave in a transaction of their own length, not of the slowest reader's. */
async function* eachOf<I, T>(items: readonly I[], work: (item: I) => Promise<T[]>): AsyncGenerator<T> {
  for (const item of items) yield* await work(item);
}

async function* due(system: SqlSystem, rule: RetentionRule): AsyncGenerator<Hit> {
  let after: string | undefined;
  for (;;) {
    const hits = await reading(system, async (tables): Promise<Hit[]> => {
      const table = tables.table(rule.dataset);
      const where = `${tables.clock(table)} < ${system.dialect.parameter(1)}`;
      const page = await tables.pages(table, tables.projection(table), where, [rule.before], after).next();
      const rows = page.done ? [] : page.value.map((row) => tables.mapped(table, row));
      return rows.map((row) => ({ dataset: rule.dataset, ref: row.ref, startsOn: row.startsOn ?? '' }));
    });
    yield* hits;
    after = hits.at(-1)?.ref;
    if (after === undefined) return;
  }
}

/**
 * The connector of a SQL system. `open` checks the configuration (throws `ConnectorError` of class `config`) and gives
 * the dialect; each call opens, works in one transaction and closes.
 */
export function sqlConnector<C>(open: (x: Ctx<C>) => SqlSystem): Connector<C> {
  return {
    async check(x): Promise<Check> {
      try {
        return await reading(open(x), checkTables);
      } catch (error) {
        if (error instanceof ConnectorError) return { ok: false, error: error.fail, message: error.message };
        throw error;
      }
    },
    async *datasets(x) {
      yield* await reading(open(x), async (tables) => describeDatasets(tables));
    },
    async *locate(x, items) {
      const system = open(x);
      yield* eachOf(items, (item) => reading(system, (tables) => locateItem(tables, item)));
    },
    async *read(x, items, at) {
      const system = open(x);
      yield* eachOf(items, (item) => reading(system, (tables) => readItem(tables, item, at)));
    },
    async *apply(x, op, items, at) {
      const { dialect, map } = open(x);
      const changing = new Set(at.filter((target) => target.action !== 'retain').map((target) => target.dataset));
      const writes = map.datasets.filter((dataset) => changing.has(dataset.name)).map((dataset) => dataset.table);
      yield* await dialect.transaction(
        'write',
        async (session) => applyTargets(await MappedTables.open(dialect, session, map), op, items, at),
        writes,
      );
    },
    async *verify(x, items, at) {
      const system = open(x);
      yield* eachOf(items, (item) => reading(system, (tables) => verifyItem(tables, item, at)));
    },
    async *horizon(x) {
      const system = open(x);
      yield* await reading(system, (tables) => horizonOf(tables, x.now(), system.backupDays));
    },
    async *scan(x, rule) {
      yield* due(open(x), rule);
    },
  };
}
