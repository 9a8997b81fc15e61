/** The queue of one tenant: what arrives while a flush is under way shares the next commit (group commit). */
import type { Clock, TenantId } from '#kernel';
import { admit } from './admit.js';
import { LedgerOverloaded, type Append, type Appended } from './append.js';
import type { Database } from './database.js';
import { HeadMoved, prepare, tokenOf, write, type Head } from './flush.js';
import { decodeFrontier } from './merkle.js';
import { readHead, readKept, readVersions, type KeptAnswer } from './ledger.queries.js';

interface Member {
  append: Append;
  resolve: (at: Appended) => void;
  reject: (error: unknown) => void;
}

const MAX_BATCH = 500;
const MAX_QUEUE = 20_000;
const MAX_KNOWN_STREAMS = 50_000;

export class Lane {
  private queue: Member[] = [];
  private flushing = false;
  private head: Head | undefined;
  /** Current version of streams seen; valid while the head is, because any append moves the head. */
  private versions = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly tenant: TenantId,
    private readonly clock: Clock,
    private readonly committed: (tenant: TenantId, lastPosition: number) => void,
  ) {}

  append(append: Append): Promise<Appended> {
    if (this.queue.length >= MAX_QUEUE) return Promise.reject(new LedgerOverloaded());
    return new Promise((resolve, reject) => {
      this.queue.push({ append, resolve, reject });
      if (!this.flushing) {
        this.flushing = true;
        // Let everything that is ready in this turn of the event loop join the same commit.
        setImmediate(() => void this.drain());
      }
    });
  }

  get idle(): boolean {
    return !this.flushing && this.queue.length === 0;
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) await this.flush(this.take());
    this.flushing = false;
  }

  /** Appends with side statements go alone, so that their failure concerns nobody else. */
  private take(): Member[] {
    const alone = this.queue.findIndex((member) => member.append.side !== undefined);
    if (alone === 0) return this.queue.splice(0, 1);
    return this.queue.splice(0, Math.min(MAX_BATCH, alone < 0 ? MAX_BATCH : alone));
  }

  private async flush(members: Member[], attempt = 0): Promise<void> {
    let accepted: Member[] = members;
    try {
      const head = await this.currentHead();
      accepted = await this.admit(members);
      if (accepted.length === 0) return;
      const versions = new Map(this.versions);
      const prepared = prepare(
        this.tenant,
        head,
        accepted.map((member) => member.append),
        versions,
        this.clock.now(),
      );
      await write(this.database, this.tenant, prepared);
      this.head = prepared.next;
      this.versions = versions.size > MAX_KNOWN_STREAMS ? new Map() : versions;
      accepted.forEach((member, index) => member.resolve(prepared.appends[index]!.at));
      this.committed(this.tenant, prepared.next.frontier.size - 1);
    } catch (error) {
      await this.recover(error, accepted, attempt);
    }
  }

  /** A batch is never poisoned by one member: after an unexpected error it is halved down to the guilty one. */
  private async recover(error: unknown, members: Member[], attempt: number): Promise<void> {
    this.head = undefined;
    this.versions = new Map();
    if (isRace(error) && attempt < 50) return this.flush(members, attempt + 1);
    if (members.length === 1 || isOutage(error)) {
      for (const member of members) member.reject(error);
      return;
    }
    const middle = members.length >> 1;
    await this.flush(members.slice(0, middle), attempt);
    await this.flush(members.slice(middle), attempt);
  }

  private async currentHead(): Promise<Head> {
    if (this.head) return this.head;
    const row = await readHead(this.database, this.tenant);
    this.versions = new Map();
    this.head = {
      logId: row.log_id,
      epoch: row.epoch,
      frontier: decodeFrontier(row.frontier),
      recordedAt: row.recorded_at.toISOString(),
    };
    return this.head;
  }

  /** Settles members that are replays or conflicts on their own, and returns the rest in order. */
  private async admit(members: Member[]): Promise<Member[]> {
    const streams = unknownStreams(members, this.versions);
    const keys = members.flatMap(({ append }) =>
      append.idempotency && append.respond ? [append.idempotency.key] : [],
    );
    const [found, kept] = await Promise.all([
      streams.length > 0 ? readVersions(this.database, this.tenant, streams) : [],
      keys.length > 0 ? readKept(this.database, this.tenant, keys) : new Map<string, KeptAnswer>(),
    ]);
    for (const stream of streams) this.versions.set(stream, 0);
    for (const row of found) this.versions.set(row.stream, row.version);
    const { accepted, refused, deferred } = admit(members, this.versions, kept);
    for (const { member, error } of refused) member.reject(error);
    this.queue.unshift(...deferred);
    return accepted;
  }

  /** Token of a position in this tenant's log. */
  async token(position: number): Promise<string> {
    return tokenOf(await this.currentHead(), position);
  }
}

function unknownStreams(members: Member[], known: ReadonlyMap<string, number>): string[] {
  const streams = new Set<string>();
  for (const { append } of members) {
    for (const event of append.events) if (!known.has(event.stream)) streams.add(event.stream);
    for (const stream of Object.keys(append.expect ?? {})) if (!known.has(stream)) streams.add(stream);
  }
  return [...streams];
}

/** Another writer was first: the head moved, an idempotency answer was kept meanwhile, or a serialisation failure. */
function isRace(error: unknown): boolean {
  if (error instanceof HeadMoved) return true;
  const { code, constraint } = error as { code?: string; constraint?: string };
  return code === '40001' || code === '40P01' || (code === '23505' && constraint === 'idempotency_pkey');
}

/** The database is gone or refuses: halving would not help. */
function isOutage(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  return (
    code.startsWith('08') ||
    code.startsWith('57') ||
    code.startsWith('53') ||
    code === 'ECONNREFUSED' ||
    code === 'ECONNRESET'
  );
}
