/** Data keys of people: made in group-committed batches, kept wrapped in a database of their own, shredded on erasure. */
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import type { Clock, SubjectId, TenantId } from '#kernel';
import type { Database } from '#ledger';
import { KeyUnavailable, type KeyProvider } from '#platform';
import { assertRing } from './assert-ring.js';
import {
  holdEpoch,
  insertKeys,
  readKeys,
  shredKeys,
  type KeyClass,
  type KeyName,
  type KeyRow,
  type NewKeyRow,
} from './keystore.queries.js';
import { Lru } from './lru.js';
import { announce, everywhere, Replica } from './replicas.js';
import { SubjectErased } from '../subjects.errors.js';

/** Every class, in the order in which answers name them. */
export const keyClasses: readonly KeyClass[] = ['identity', 'consent', 'access', 'case'];

/** What became of one class of a person's keys. `hadKey` is false when it was shredded before or never used. */
export interface ShreddedKey {
  class: KeyClass;
  shreddedAt: Date;
  hadKey: boolean;
}

/** A key, or that there is none: `shredded` on purpose, `destroyed` with its epoch, `none` when it was never made. */
export type FoundKey = { key: KeyObject } | { missing: 'none' | 'shredded' | 'destroyed' };

interface Waiting {
  subject: SubjectId;
  class: KeyClass;
  create: boolean;
  /** Of somebody who is being registered: nobody else can have made it. */
  first: boolean;
  resolve: (found: FoundKey) => void;
  reject: (error: unknown) => void;
}

const CAPACITY = 50_000;
/** How long a key stays in memory, shredded or not. */
export const KEY_CACHE_MS = 30_000;
const MAX_BATCH = 1000;

export class KeyStore {
  private readonly cache = new Lru<KeyObject>(CAPACITY);
  private readonly waiting = new Map<TenantId, Waiting[]>();
  private readonly running = new Set<TenantId>();
  /** Counts shreddings: what was read before one must not be cached after it. */
  private shreddings = 0;
  private replica: Replica | undefined;
  /** Commits of new keys, for figures and tests. */
  commits = 0;

  constructor(
    readonly database: Database,
    readonly provider: KeyProvider,
    readonly clock: Clock,
  ) {}

  /**
   * Refuses a key directory that is not the one this database was begun with: its keys would open nothing here. And an
   * empty database when `begun` says that there must be keys.
   */
  assertRing(begun = (): Promise<boolean> => Promise.resolve(false)): Promise<void> {
    return assertRing(this.database, this.provider, this.clock.now(), begun);
  }

  /**
   * Makes this process one of the replicas: it hears of every shredding, and uses no cached key while it may have missed
   * one. Every process that serves calls or works off jobs joins; a tool that reads for a moment need not.
   */
  async join(): Promise<void> {
    this.replica = new Replica(this.database, {
      evict: ({ tenant, subject, classes }) => this.evict(tenant, subject, classes),
      forgetAll: () => this.forgetAll(),
      dropDestroyed: () => this.provider.currentEpoch(),
    });
    await this.replica.join();
  }

  /** Leaves the replicas; the others need not wait for this process any more. */
  async onApplicationShutdown(): Promise<void> {
    this.forgetAll();
    await this.replica?.leave();
  }

  /** Seconds since the key store last heard of this process; undefined outside the replicas. */
  get silence(): number | undefined {
    return this.replica?.silence;
  }

  /** The key of (subject, class), made when there is none. Throws `SubjectErased` when it was shredded. */
  async keyFor(tenant: TenantId, subject: SubjectId, keyClass: KeyClass): Promise<KeyObject> {
    const found = await this.find(tenant, subject, keyClass, true);
    if ('key' in found) return found.key;
    throw new SubjectErased();
  }

  /**
   * Makes the first keys of somebody whose id was drawn just now, in one commit, and remembers them for the sealing that
   * follows. Nothing is looked up: the id is known to nobody else.
   */
  async begin(tenant: TenantId, subject: SubjectId, classes: readonly KeyClass[]): Promise<void> {
    await Promise.all(classes.map((keyClass) => this.enqueue(tenant, subject, keyClass, true, true)));
  }

  /** The key of (subject, class) if it can still be had. Outages throw: they are never taken for a shredding. */
  async find(tenant: TenantId, subject: SubjectId, keyClass: KeyClass, create = false): Promise<FoundKey> {
    if (this.replica?.inContact === false) this.forgetAll();
    const key = this.cache.get(nameOf(tenant, subject, keyClass));
    return key ? { key } : this.enqueue(tenant, subject, keyClass, create, false);
  }

  private enqueue(
    tenant: TenantId,
    subject: SubjectId,
    keyClass: KeyClass,
    create: boolean,
    first: boolean,
  ): Promise<FoundKey> {
    return new Promise((resolve, reject) => {
      const item: Waiting = { subject, class: keyClass, create, first, resolve, reject };
      const queue = this.waiting.get(tenant);
      if (queue) queue.push(item);
      else this.waiting.set(tenant, [item]);
      if (this.running.has(tenant)) return;
      this.running.add(tenant);
      // Everything that asks in this turn of the event loop shares one read and one commit.
      setImmediate(() => void this.drain(tenant));
    });
  }

  /**
   * Destroys keys. When it resolves nothing sealed under them opens on any replica; backups of the key store follow when
   * the epoch is destroyed. Errors: the database's, and `KeyUnavailable` when a living replica does not forget: the caller
   * must claim nothing and repeat.
   */
  async shred(tenant: TenantId, subject: SubjectId, classes: readonly KeyClass[]): Promise<ShreddedKey[]> {
    const now = this.clock.now();
    const { had, rows, seq } = await this.database.transaction(tenant, async (query) => {
      const shredded = await shredKeys(query, tenant, subject, classes, now);
      return { ...shredded, seq: await announce(query, { tenant, subject, classes }) };
    });
    this.evict(tenant, subject, classes);
    // Also on a repeat: who died in between may not have waited.
    await everywhere(this.database, seq, this.replica?.id);
    return rows
      .map((row) => ({ class: row.class, shreddedAt: row.shredded_at ?? now, hadKey: had.includes(row.class) }))
      .sort((a, b) => keyClasses.indexOf(a.class) - keyClasses.indexOf(b.class));
  }

  /** Those of these keys that are in the key store and no mark. */
  async alive(tenant: TenantId, names: readonly KeyName[]): Promise<KeyName[]> {
    const living: KeyName[] = [];
    for (let from = 0; from < names.length; from += MAX_BATCH)
      for (const row of await readKeys(this.database, tenant, names.slice(from, from + MAX_BATCH)))
        if (row.wrapped !== null) living.push({ subject: row.subject, class: row.class });
    return living;
  }

  /** Forgets cached keys of a person; called on every replica that learns of an erasure. */
  evict(tenant: TenantId, subject: SubjectId, classes: readonly KeyClass[] = keyClasses): void {
    this.shreddings += 1;
    for (const keyClass of classes) this.cache.delete(nameOf(tenant, subject, keyClass));
  }

  private forgetAll(): void {
    this.shreddings += 1;
    this.cache.clear();
  }

  private async drain(tenant: TenantId): Promise<void> {
    for (;;) {
      const queue = this.waiting.get(tenant) ?? [];
      const batch = queue.splice(0, MAX_BATCH);
      if (batch.length === 0) break;
      try {
        await this.serve(tenant, batch);
      } catch (error) {
        for (const item of batch) item.reject(error);
      }
    }
    this.waiting.delete(tenant);
    this.running.delete(tenant);
  }

  private async serve(tenant: TenantId, batch: Waiting[]): Promise<void> {
    const shreddings = this.shreddings;
    const wanted = new Map(batch.map((item) => [nameOf(tenant, item.subject, item.class), item]));
    const toCreate = new Set(batch.flatMap((item) => (item.create ? [nameOf(tenant, item.subject, item.class)] : [])));
    const rows = new Map<string, KeyRow>();
    const read = async (items: Waiting[]): Promise<void> => {
      if (items.length === 0) return;
      for (const row of await readKeys(this.database, tenant, items))
        rows.set(nameOf(tenant, row.subject, row.class), row);
    };
    await read([...wanted.values()].filter((item) => !item.first));
    const absent = [...wanted].filter(([name]) => toCreate.has(name) && !rows.has(name)).map(([, item]) => item);
    const made = absent.length > 0 ? await this.create(tenant, absent) : [];
    // Read back: of two replicas that made the same key, the one that was stored counts.
    await read(absent.filter((item) => !item.first));
    const found = new Map<string, FoundKey>();
    absent.forEach((item, index) => {
      if (item.first) found.set(nameOf(tenant, item.subject, item.class), { key: made[index]! });
    });
    for (const [name, item] of wanted)
      if (!found.has(name)) found.set(name, await this.unwrapLatest(tenant, item, rows.get(name)));
    for (const [name, one] of found)
      if ('key' in one && shreddings === this.shreddings) this.cache.set(name, one.key, KEY_CACHE_MS);
    for (const item of batch) item.resolve(found.get(nameOf(tenant, item.subject, item.class)) ?? { missing: 'none' });
  }

  /** Stores new keys, in the order of the items, and returns them. */
  private async create(tenant: TenantId, items: Waiting[]): Promise<KeyObject[]> {
    // Twice is enough unless somebody rotates without pause.
    for (let attempt = 0; attempt < 5; attempt++) {
      const epoch = await this.provider.currentEpoch();
      const rows: NewKeyRow[] = [];
      const keys: KeyObject[] = [];
      for (const { subject, class: keyClass } of items) {
        const bytes = randomBytes(32);
        rows.push({ subject, class: keyClass, ...(await this.provider.wrap(tenant, bytes)) });
        keys.push(createSecretKey(bytes));
        bytes.fill(0);
      }
      if (rows.some((row) => row.epoch !== epoch)) continue;
      const now = this.clock.now();
      const stored = await this.database.transaction(tenant, async (query) => {
        if (!(await holdEpoch(query, tenant, epoch, now))) return false;
        await insertKeys(query, tenant, rows, now);
        return true;
      });
      if (!stored) continue;
      this.commits += 1;
      return keys;
    }
    throw new KeyUnavailable('missing', 'No key-encryption epoch is open for new keys. Begin a new epoch.');
  }

  /** A rotation may wrap a key anew and destroy its old epoch between our reading and our opening: then it is read again. */
  private async unwrapLatest(tenant: TenantId, item: Waiting, first: KeyRow | undefined): Promise<FoundKey> {
    for (let row = first; ;) {
      const found = await this.unwrap(tenant, row);
      if (!('missing' in found) || found.missing !== 'destroyed') return found;
      const [again] = await readKeys(this.database, tenant, [item]);
      if (again?.epoch === row?.epoch) return found;
      row = again;
    }
  }

  private async unwrap(tenant: TenantId, row: KeyRow | undefined): Promise<FoundKey> {
    if (!row) return { missing: 'none' };
    if (row.wrapped === null || row.epoch === null) return { missing: 'shredded' };
    try {
      const bytes = await this.provider.unwrap(tenant, row.epoch, row.wrapped);
      const key = createSecretKey(bytes);
      bytes.fill(0);
      return { key };
    } catch (error) {
      if (error instanceof KeyUnavailable && error.reason === 'destroyed') return { missing: 'destroyed' };
      throw error;
    }
  }
}

function nameOf(tenant: TenantId, subject: SubjectId, keyClass: KeyClass): string {
  return `${tenant}${subject}${keyClass}`;
}
