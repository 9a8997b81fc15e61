/** One simulated process: its engine's I/O goes through points where the scheduler may let it wait, fail or die. */
import type { Clock, TenantId } from '#kernel';
import { Database, EventStore, type Append, type Appended, type Query, type StoredEvent } from '#ledger';
import { FenceLost } from '../../libs/jobs/src/change-job.js';
import { changeJobs, type JobChange } from '../../libs/jobs/src/change-job.js';
import type { ClaimedJob } from '../../libs/jobs/src/claim-jobs.js';
import { Leases } from '../../libs/jobs/src/leases.js';
import { Settlements } from '../../libs/jobs/src/settlements.js';
import type { Chance } from './chance.js';
import type { MemoryLedger } from './memory-ledger.js';

/** A continuation that waits for the scheduler. */
interface Parked {
  label: string;
  resume: () => void;
  reject: (error: Error) => void;
}

/** How often I/O waits, and how often it fails; all 0 in calm weather. */
export interface Weather {
  /** A read parks, so that others may run before it goes on. */
  readParks: number;
  /** The connection to the database ends before or after the commit. */
  storeFails: number;
}

/** The connection ended before the commit was answered: on disk or not. */
class ConnectionEnded extends Error {
  override name = 'OutcomeUnknown';
  readonly code = '08007';
}

export class Machine {
  alive = true;
  readonly parked: Parked[] = [];
  /** Activities under way. */
  busy = 0;
  readonly store: EventStore;
  readonly database: Database;
  readonly leases: MemoryLeases;

  constructor(
    readonly name: string,
    readonly ledger: MemoryLedger,
    readonly clock: Clock,
    readonly chance: Chance,
    readonly weather: Weather,
  ) {
    this.database = memoryDatabase(this);
    this.store = new MemoryStore(this, clock);
    this.leases = new MemoryLeases(this);
  }

  /** Waits until the scheduler lets this process go on; for ever once it is dead. */
  park(label: string): Promise<void> {
    return new Promise((resume, reject) => {
      if (this.alive) this.parked.push({ label, resume, reject });
    });
  }

  async read(label: string): Promise<void> {
    if (!this.alive || this.chance.is(this.weather.readParks)) await this.park(label);
  }

  /** A write: others may come before it, and it may be on disk although nobody hears of it. */
  async write<T>(label: string, commit: () => T): Promise<T> {
    await this.park(`before ${label}`);
    if (this.chance.is(this.weather.storeFails)) throw new ConnectionEnded(label);
    const done = commit();
    await this.park(`after ${label}`);
    if (this.chance.is(this.weather.storeFails)) throw new ConnectionEnded(label);
    return done;
  }

  /** `kill -9`: nothing of it ever goes on. */
  kill(): void {
    this.alive = false;
    this.parked.length = 0;
  }
}

type Head = Awaited<ReturnType<EventStore['head']>>;

/** The same contract as the real store, over memory. */
class MemoryStore extends EventStore {
  constructor(
    private readonly machine: Machine,
    clock: Clock,
  ) {
    super(machine.database, clock);
  }

  /** Its database fails call by call, and is never known to be away. */
  override get writable(): boolean {
    return true;
  }

  override append(append: Append): Promise<Appended> {
    return this.machine.write(`append ${append.events.map(({ type }) => type).join()}`, () =>
      this.machine.ledger.append(append),
    );
  }

  override async load(_: TenantId, stream: string): Promise<StoredEvent[]> {
    await this.machine.read('load');
    return this.machine.ledger.load(stream);
  }

  override async head(): Promise<Head> {
    await this.machine.read('head');
    return { size: this.machine.ledger.log.length } as Head;
  }

  override async read(_: TenantId, from: number, limit: number): Promise<StoredEvent[]> {
    await this.machine.read('read');
    return this.machine.ledger.log.slice(from, from + limit);
  }
}

/** Named statements, answered in memory; a transaction is never interrupted, as one on a real database is never seen half. */
function memoryDatabase(machine: Machine): Database {
  const query = (async (statement) => machine.ledger.query(statement)) as Query;
  const port: Pick<Database, 'fetch' | 'transaction'> = {
    fetch: async (_, statement) => {
      await machine.read('fetch');
      return query(statement);
    },
    transaction: async (_, work) => {
      await machine.park('before transaction');
      const done = await work(query);
      await machine.park('after transaction');
      return done;
    },
  };
  return port as Database;
}

/** Leases that end when the scheduler lets time pass; it renews those of living processes when it pleases. */
export class MemoryLeases extends Leases {
  private readonly mine = new Map<string, { job: ClaimedJob; abort: AbortController }>();

  constructor(private readonly machine: Machine) {
    super(machine.database);
  }

  override hold(job: ClaimedJob): AbortController {
    this.mine.get(job.id)?.abort.abort(new FenceLost());
    const abort = new AbortController();
    this.mine.set(job.id, { job, abort });
    return abort;
  }

  override drop(job: ClaimedJob): void {
    if (this.mine.get(job.id)?.job.fence === job.fence) this.mine.delete(job.id);
  }

  override get jobs(): ClaimedJob[] {
    return [...this.mine.values()].map(({ job }) => job);
  }

  override async renew(job: ClaimedJob): Promise<void> {
    await this.machine.read('renew');
    if (this.renewNow(job)) return;
    this.mine.get(job.id)?.abort.abort(new FenceLost());
    throw new FenceLost();
  }

  renewNow(job: ClaimedJob): boolean {
    const values = [job.tenant, [job.id], [job.fence], [job.leaseMs]];
    return this.machine.ledger.jobs.query({ name: 'job-renew', text: '', values }).rows.length > 0;
  }
}

/** One change, one transaction: the real ones differ only in sharing commits. */
export class SingleSettlements extends Settlements {
  constructor(private readonly machine: Machine) {
    super(machine.database);
  }

  override async settle(tenant: TenantId, change: JobChange): Promise<void> {
    const changed = await this.machine.database.transaction(tenant, (query) => changeJobs(query, tenant, [change]));
    if (!changed.has(change.id)) throw new FenceLost();
  }
}
