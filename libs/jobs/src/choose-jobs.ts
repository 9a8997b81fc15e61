/** Which jobs a worker takes now: pure, so that fairness and limits can be tested without a database. */

/** Limits of one key, across all processes. */
export interface KeyLimit {
  /** Jobs that may run at once. */
  concurrency?: number;
  /** Starts a second, as a token bucket of `burst` (default 1). */
  perSecond?: number;
  burst?: number;
}

/** An open job, without its payload. `expired` is a running one whose holder fell silent. */
export interface OpenJob {
  id: string;
  queue: string;
  key: string;
  runAt: Date;
  expired: boolean;
}

export interface Bucket {
  key: string;
  tokens: number;
  refilledAt: Date;
}

/** What a worker sees of one tenant while no other worker claims there. */
export interface Situation {
  now: Date;
  /** Ready and expired jobs, the first few of every (queue, key). */
  open: OpenJob[];
  /** Running jobs under a valid lease, by key. */
  running: ReadonlyMap<string, number>;
  buckets: ReadonlyMap<string, Bucket>;
  /** Free slots of this process, by queue; a queue that is absent has no handler here. */
  slots: ReadonlyMap<string, number>;
  /** Free slots of this process over all queues. */
  capacity: number;
  limit: (queue: string, key: string) => KeyLimit;
}

export interface Choice {
  ids: string[];
  buckets: Bucket[];
  /** Earliest time at which a job that was left could start; undefined when none was left. */
  nextRunAt: Date | undefined;
}

class Chooser {
  readonly ids: string[] = [];
  /** Buckets a token was taken from: only these need writing. */
  readonly drawn = new Set<Bucket>();
  nextRunAt: Date | undefined;
  private readonly running: Map<string, number>;
  private readonly slots: Map<string, number>;
  private readonly filled = new Map<string, Bucket>();
  private capacity: number;

  constructor(private readonly situation: Situation) {
    this.running = new Map(situation.running);
    this.slots = new Map(situation.slots);
    this.capacity = situation.capacity;
  }

  consider(job: OpenJob): void {
    const startsAt = this.earliest(job);
    if (startsAt === undefined) return this.take(job);
    if (!this.nextRunAt || startsAt < this.nextRunAt) this.nextRunAt = startsAt;
  }

  /** Undefined when the job may start now; otherwise when to look again. */
  private earliest(job: OpenJob): Date | undefined {
    const { now, limit } = this.situation;
    if (!job.expired && job.runAt > now) return job.runAt;
    const slots = this.slots.get(job.queue) ?? 0;
    if (slots <= 0 || this.capacity <= 0) return job.expired ? now : job.runAt;
    if (job.key === '') return undefined;
    const { concurrency, perSecond, burst = 1 } = limit(job.queue, job.key);
    if (concurrency !== undefined && (this.running.get(job.key) ?? 0) >= concurrency) return job.runAt;
    if (perSecond === undefined) return undefined;
    const bucket = this.refill(job.key, perSecond, burst);
    return bucket.tokens >= 1
      ? undefined
      : new Date(now.getTime() + Math.ceil(((1 - bucket.tokens) / perSecond) * 1000));
  }

  private take(job: OpenJob): void {
    this.ids.push(job.id);
    this.capacity -= 1;
    this.slots.set(job.queue, (this.slots.get(job.queue) ?? 0) - 1);
    this.running.set(job.key, (this.running.get(job.key) ?? 0) + 1);
    const bucket = this.filled.get(job.key);
    if (!bucket) return;
    bucket.tokens -= 1;
    this.drawn.add(bucket);
  }

  private refill(key: string, perSecond: number, burst: number): Bucket {
    const known = this.filled.get(key);
    if (known) return known;
    const { now, buckets } = this.situation;
    const before = buckets.get(key) ?? { key, tokens: burst, refilledAt: now };
    const seconds = Math.max(0, now.getTime() - before.refilledAt.getTime()) / 1000;
    const bucket = { key, tokens: Math.min(burst, before.tokens + seconds * perSecond), refilledAt: now };
    this.filled.set(key, bucket);
    return bucket;
  }
}

/** Takes turns between keys, oldest first within each, so that one busy or failing connection starves nobody. */
export function chooseJobs(situation: Situation): Choice {
  const lanes = new Map<string, OpenJob[]>();
  for (const job of [...situation.open].sort(byAge)) {
    const lane = job.key === '' ? `queue ${job.queue}` : `key ${job.key}`;
    const jobs = lanes.get(lane);
    if (jobs) jobs.push(job);
    else lanes.set(lane, [job]);
  }
  const chooser = new Chooser(situation);
  const turns = Math.max(0, ...[...lanes.values()].map((jobs) => jobs.length));
  for (let turn = 0; turn < turns; turn += 1) {
    for (const jobs of lanes.values()) {
      const job = jobs[turn];
      if (job) chooser.consider(job);
    }
  }
  return { ids: chooser.ids, buckets: [...chooser.drawn], nextRunAt: chooser.nextRunAt };
}

function byAge(a: OpenJob, b: OpenJob): number {
  if (a.expired !== b.expired) return a.expired ? -1 : 1;
  return a.runAt.getTime() - b.runAt.getTime() || (a.id < b.id ? -1 : 1);
}
