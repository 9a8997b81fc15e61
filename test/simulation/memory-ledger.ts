/**
 * Simulation port, no product code: the ledger's database in memory. Commits are whole or nothing, versions are expected,
 * keys are answered once. Its control is stand-ins.spec.ts, which holds it to the same contract as PostgreSQL.
 */
import { canonicalize, type JsonObject, type TenantId } from '#kernel';
import { AlreadyDone, VersionConflict, type Append, type Appended, type Rows, type Statement } from '#ledger';
import type { InlineRow, StoredEvent } from '#ledger';
import { MemoryJobs } from './memory-jobs.js';

interface Kept {
  fingerprint: Buffer;
  status: number;
  body: JsonObject;
}

type KeptGroup = {
  id: string;
  request: string;
  connection: string;
  dataset: string;
  rule: string;
  until: string | null;
};

/** A row of `request_summary`. */
type Summary = Record<'id' | 'type' | 'status' | 'resolution' | 'subject' | 'due_on' | 'state', string> & {
  verified: boolean;
  received_at: Date;
};

/** What a lost fence does to a flush on PostgreSQL (`jobChangeTable`). */
class FenceMissed extends Error {
  readonly code = '22012';
}

/** What survives every crash. */
export class MemoryLedger {
  readonly log: StoredEvent[] = [];
  readonly streams = new Map<string, StoredEvent[]>();
  readonly jobs: MemoryJobs;
  /** Durable cursors of subscriptions, by name. */
  readonly cursors = new Map<string, number>();
  private readonly kept = new Map<string, Kept>();
  private readonly groups = new Map<string, KeptGroup>();
  private readonly summaries = new Map<string, Summary>();

  constructor(
    private readonly now: () => number,
    fenced = true,
  ) {
    this.jobs = new MemoryJobs(now, fenced);
  }

  append(append: Append): Appended {
    const { tenant, actorRef, events, expect = {}, rows = [], idempotency, respond } = append;
    const key = idempotency && respond ? idempotency.key.toString('hex') : undefined;
    const answer = key === undefined ? undefined : this.kept.get(key);
    if (answer) throw new AlreadyDone(answer.fingerprint, answer.status, answer.body);
    for (const [stream, version] of Object.entries(expect))
      if ((this.streams.get(stream)?.length ?? 0) !== version) throw new VersionConflict(stream);
    const first = this.log.length;
    const recordedAt = new Date(this.now()).toISOString();
    const last = first + events.length - 1;
    const placed: Appended = {
      tenant,
      firstPosition: first,
      lastPosition: last,
      recordedAt,
      now: recordedAt,
      token: `memory.0.${last}`,
    };
    // All texts and rows are made before anything is kept.
    const data = events.map((event) => frozen(JSON.parse(canonicalize(event.data)) as JsonObject));
    const made = rows.map(({ into, row }): [InlineRow['into'], unknown[]] => [into, row(placed)]);
    for (const [{ name }, values] of made)
      if (name === 'job_change' && !this.jobs.mayChange(values)) throw new FenceMissed('division by zero');
    if (key !== undefined && idempotency && respond)
      this.kept.set(key, { fingerprint: idempotency.fingerprint, ...respond(placed) });
    events.forEach(({ stream, type, occurredAt }, index) => {
      const known = this.streams.get(stream) ?? [];
      this.streams.set(stream, known);
      const times = { occurredAt: occurredAt?.toISOString() ?? recordedAt, recordedAt };
      const version = known.length + 1;
      const stored = { tenant, position: first + index, stream, version, type, ...times, actorRef, data: data[index]! };
      known.push(stored);
      this.log.push(stored);
    });
    for (const [{ name }, values] of made) this.write(name, values);
    return placed;
  }

  load(stream: string): StoredEvent[] {
    return [...(this.streams.get(stream) ?? [])];
  }

  /** Answers a statement by its name; one that is not known here is an error, so that none is forgotten. */
  query(statement: Statement): Rows<Record<string, unknown>> {
    const { name = '', values = [] } = statement;
    if (this.jobs.answers(name)) return this.jobs.query(statement);
    switch (name) {
      case 'request-summary-read':
        return counted((values[1] as string[]).flatMap((id) => this.summaries.get(id) ?? []));
      case 'request-summary-write':
        return counted([this.summarise(values)]);
      case 'requests-of-people':
        return counted([...this.summaries.values()].filter(({ subject }) => (values[1] as string[]).includes(subject)));
      case 'request-similar':
        return counted(this.similar(values));
      case 'kept-group-add': {
        const [, id, request, connection, dataset, rule, until] = values as string[];
        const group = { id: id!, request: request!, connection: connection!, dataset: dataset!, rule: rule! };
        this.groups.set(group.id, { ...group, until: until ?? null });
        return { rows: [], rowCount: 1 };
      }
      case 'kept-group-end':
        return { rows: [], rowCount: this.groups.delete(String(values[1])) ? 1 : 0 };
      case 'kept-groups-stopped': {
        const [, rule, today, connection, dataset] = values as (string | null)[];
        const rows = [...this.groups.values()].filter((one) => isStopped(one, rule!, today!, connection!, dataset!));
        return { rows, rowCount: rows.length };
      }
    }
    throw new Error(`the simulated database does not know the statement ${name}`);
  }

  /** Of the real projection; as late as whoever feeds it (`Lists` in engine.ts). */
  private summarise([
    ,
    id,
    type,
    status,
    resolution,
    subject,
    verified,
    receivedAt,
    ,
    due_on,
    state,
  ]: unknown[]): Summary {
    const received_at = new Date(String(receivedAt));
    const row = { id, type, status, resolution, subject, verified, received_at, due_on, state } as Summary;
    this.summaries.set(row.id, row);
    return row;
  }

  private similar([, subject, type, id, receivedAt]: unknown[]): Summary[] {
    const until = Date.parse(String(receivedAt));
    return [...this.summaries.values()]
      .filter((one) => one.subject === subject && one.type === type && one.verified && one.status !== 'closed')
      .filter((one) => one.id !== id && one.received_at.getTime() <= until)
      .sort((one, other) => one.received_at.getTime() - other.received_at.getTime());
  }

  private write(table: string, values: unknown[]): void {
    switch (table) {
      case 'job':
        return this.jobs.insert(values);
      case 'job_change':
        return void this.jobs.change(values);
      case 'job_cancel':
        return this.jobs.cancel(values);
      case 'job_due':
        return;
    }
    throw new Error(`the simulated database does not know the table ${table}`);
  }
}

const counted = (rows: Summary[]): Rows<Record<string, unknown>> => ({ rows, rowCount: rows.length });

function isStopped(group: KeptGroup, rule: string, today: string, connection: string | null, dataset: string | null) {
  if (group.rule === rule) return true;
  const mayBe = group.rule.startsWith('hold:') || (group.until !== null && group.until < today);
  return (
    mayBe && (connection === null || group.connection === connection) && (dataset === null || group.dataset === dataset)
  );
}

/** Whoever folds events must not change them: the simulation hands out the same objects every time. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

/** A tenant that is as good as any other. */
export const TENANT = '00000000-0000-7000-8000-00000000000a' as TenantId;
