/**
 * Simulation port, no product code: the table `job` in memory, answering the named statements of #jobs. Its control is
 * stand-ins.spec.ts, which holds it to the same contract as PostgreSQL.
 */
import type { Rows, Statement } from '#ledger';
import type { JobState } from '#jobs';

export interface JobRow {
  id: string;
  /** In the order of creation; stands for the id where jobs are chosen, so that the seed alone decides. */
  alias: string;
  queue: string;
  key: string;
  payload: string;
  state: JobState;
  runAt: number;
  attempts: number;
  maxAttempts: number | null;
  generation: number;
  leaseUntil: number;
  fence: number;
  errorCode: string | null;
  errorClass: string | null;
  dedupeKey: string | null;
  createdAt: number;
  finishedAt: number | null;
}

type Handler = (values: unknown[]) => unknown[];

const LANE = 16;
const at = (value: unknown): number => (value instanceof Date ? value.getTime() : Date.parse(String(value)));
const aliasOf = (count: number): string => `00000000-0000-7000-8000-${String(count).padStart(12, '0')}`;

export class MemoryJobs {
  readonly rows = new Map<string, JobRow>();
  private readonly byDedupe = new Set<string>();
  private readonly byAlias = new Map<string, JobRow>();

  /** @param fenced false plants a fault: whoever lost a job may still change it. */
  constructor(
    private readonly now: () => number,
    private readonly fenced = true,
  ) {}

  insert([id, queue, key, payload, runAt, maxAttempts, dedupeKey, createdAt]: unknown[]): void {
    if (this.rows.has(String(id)) || (dedupeKey !== null && this.byDedupe.has(String(dedupeKey)))) return;
    const row: JobRow = {
      ...{ id: String(id), alias: aliasOf(this.rows.size), queue: String(queue), key: String(key) },
      ...{ payload: String(payload), state: 'ready', runAt: at(runAt), attempts: 0 },
      ...{ maxAttempts: maxAttempts as number | null, generation: 0, leaseUntil: 0, fence: 0 },
      ...{ errorCode: null, errorClass: null, dedupeKey: dedupeKey as string | null },
      ...{ createdAt: at(createdAt), finishedAt: null },
    };
    this.rows.set(row.id, row);
    this.byAlias.set(row.alias, row);
    if (row.dedupeKey !== null) this.byDedupe.add(row.dedupeKey);
  }

  /** Whether a change would be made; the columns are those of `jobChangeTable`. */
  mayChange([id, fence, from]: unknown[]): boolean {
    const row = this.rows.get(String(id));
    if (!this.fenced) return row !== undefined;
    return row !== undefined && row.fence === Number(fence) && row.state === from;
  }

  change(values: unknown[]): boolean {
    if (!this.mayChange(values)) return false;
    const [id, , , to, runAt, attempts, generation, leaseMs, code, errorClass, finishedAt] = values;
    const row = this.rows.get(String(id))!;
    row.state = to as JobState;
    if (runAt !== null) row.runAt = at(runAt);
    if (attempts !== null) row.attempts = Number(attempts);
    if (generation !== null) row.generation = Number(generation);
    row.leaseUntil = leaseMs === null ? 0 : this.now() + Number(leaseMs);
    if (code !== null) row.errorCode = String(code);
    if (errorClass !== null) row.errorClass = String(errorClass);
    row.finishedAt = finishedAt === null ? null : at(finishedAt);
    return true;
  }

  cancel([id, finishedAt]: unknown[]): void {
    const row = this.rows.get(String(id));
    if (row && !['done', 'cancelled'].includes(row.state))
      Object.assign(row, { state: 'cancelled', leaseUntil: 0, finishedAt: at(finishedAt) });
  }

  private end(id: string, successor: string | null, now: unknown): void {
    const again = [...this.rows.values()].find(({ dedupeKey }) => successor !== null && dedupeKey === successor);
    const over = successor === null || (again !== undefined && !this.open.includes(again));
    if (this.rows.get(id)?.state === 'dead' && over) this.cancel([id, now]);
  }

  /** Waiting or running. */
  get open(): JobRow[] {
    return [...this.rows.values()].filter(({ state }) => state === 'ready' || state === 'running');
  }

  /** When the next job that is not due before `from` could start: its time, or the end of its lease; undefined when none is. */
  nextAt(from = 0): number | undefined {
    let next: number | undefined;
    for (const { state, runAt, leaseUntil } of this.rows.values()) {
      if (state !== 'ready' && state !== 'running') continue;
      const starts = state === 'ready' ? runAt : leaseUntil + 1;
      if (starts < from) continue;
      if (next === undefined || starts < next) next = starts;
    }
    return next;
  }

  answers(name: string): boolean {
    return name in this.handlers;
  }

  query({ name = '', values = [] }: Statement): Rows<Record<string, unknown>> {
    const rows = (this.handlers[name] as Handler)(values as unknown[]) as Record<string, unknown>[];
    return { rows, rowCount: rows.length };
  }

  private readonly handlers: Record<string, Handler> = {
    'job-due-lock': () => [],
    'job-due-next': () => [],
    'job-due': () => [],
    'job-buckets': () => [],
    'job-ready': () => this.ready(),
    'job-running': () =>
      this.open
        .filter(({ state }) => state === 'running')
        .map(({ alias, queue, key, runAt, leaseUntil }) => ({
          ...{ id: alias, queue, concurrency_key: key, run_at: new Date(runAt) },
          ...{ lease_until: new Date(leaseUntil), expired: leaseUntil < this.now() },
        })),
    'job-claim': ([, ids, queues, ms]) => this.claim(ids as string[], queues as string[], ms as number[]),
    'job-change': ([, ...columns]) => rowsOf(columns).flatMap((row) => (this.change(row) ? [{ id: row[0] }] : [])),
    'job-cancel': ([, ...columns]) => rowsOf(columns).flatMap((row) => (this.cancel(row), [])),
    'job-enqueue': ([, ...columns]) => rowsOf(columns).flatMap((row) => (this.insert(row), [])),
    'job-dead-end': ([, ids, keys, now]) => {
      (ids as string[]).forEach((id, index) => this.end(id, (keys as (string | null)[])[index] ?? null, now));
      return [];
    },
    'job-renew': ([, ids, fences, ms]) =>
      (ids as string[]).flatMap((id, index) => {
        const row = this.rows.get(id);
        const held = row?.state === 'running' && (!this.fenced || row.fence === (fences as number[])[index]);
        if (!row || !held) return [];
        row.leaseUntil = this.now() + (ms as number[])[index]!;
        return [{ id }];
      }),
    'job-dead-read': ([, id]) => {
      const row = this.rows.get(String(id));
      return row && ['dead', 'manual'].includes(row.state) ? [deadOf(row)] : [];
    },
    'job-troubled': ([, ids]) =>
      (ids as string[]).flatMap((id) => {
        const row = this.rows.get(id);
        if (!row || row.errorCode === null || !['ready', 'running'].includes(row.state)) return [];
        return [{ id, code: row.errorCode, class: row.errorClass ?? 'transient' }];
      }),
  };

  private ready(): unknown[] {
    const places = new Map<string, number>();
    return this.open
      .filter(({ state }) => state === 'ready')
      .sort((one, other) => one.runAt - other.runAt || (one.alias < other.alias ? -1 : 1))
      .flatMap(({ alias, queue, key, runAt }) => {
        const lane = `${queue} ${key}`;
        const place = (places.get(lane) ?? 0) + 1;
        places.set(lane, place);
        return place > LANE ? [] : [{ id: alias, queue, concurrency_key: key, run_at: new Date(runAt), place }];
      });
  }

  private claim(aliases: string[], queues: string[], ms: number[]): unknown[] {
    return aliases.flatMap((alias) => {
      const row = this.byAlias.get(alias);
      const free = row && (row.state === 'ready' || (row.state === 'running' && row.leaseUntil < this.now()));
      const lease = row && ms[queues.indexOf(row.queue)];
      if (!free || lease === undefined) return [];
      Object.assign(row, { state: 'running', attempts: row.attempts + 1, fence: row.fence + 1 });
      row.leaseUntil = this.now() + lease;
      const { id, queue, key, payload, attempts, maxAttempts, generation, fence, dedupeKey } = row;
      const names = { concurrency_key: key, max_attempts: maxAttempts, dedupe_key: dedupeKey };
      return [{ id, queue, payload, attempts, generation, fence, ...names }];
    });
  }
}

function deadOf({ runAt: _, leaseUntil: __, createdAt, finishedAt, ...row }: JobRow): Record<string, unknown> {
  return { ...row, createdAt: new Date(createdAt), diedAt: new Date(finishedAt ?? 0) };
}

function rowsOf(columns: unknown[]): unknown[][] {
  const [first = []] = columns as unknown[][];
  return first.map((_, index) => (columns as unknown[][]).map((column) => column[index]));
}
