/** From identifiers to people, by keyed hash, with a cache for the consent check's hot path. */
import type { SubjectId, TenantId } from '#kernel';
import type { Database } from '#ledger';
import type { KeyProvider } from '#platform';
import { keyOf, type NormalIdentifier } from './identifier.js';
import { Lru } from './keys/lru.js';
import type { LookupMac } from './subject.js';

/** Who stands behind one identifier: `subject` holds it, `person` is the smallest id among the subject's verified aliases. */
export interface Holder {
  subject: SubjectId;
  person: SubjectId;
}

/** One identifier with its keyed hash (never outside these tables) and its holders. */
export interface Lookup<Named extends NormalIdentifier = NormalIdentifier> extends LookupMac {
  identifier: Named;
  holders: readonly Holder[];
}

/** The lookup key of a tenant: its generation, and whether rows under the one before it may still be there. */
interface KeyInUse {
  generation: number;
  overlap: boolean;
}

const CAPACITY = 200_000;
/** How long another replica's link or erasure may stay unseen here. */
const KNOWN_MS = 10_000;
/** How long another replica's new person may stay unseen here. */
const UNKNOWN_MS = 1_000;

interface Row {
  mac: Buffer | null;
  subject: SubjectId;
  person: SubjectId;
  generation: number | null;
  rekeyed: boolean | null;
}

const FIRST: KeyInUse = { generation: 1, overlap: false };

export class IdentifierLookup {
  private readonly cache = new Lru<readonly Holder[]>(CAPACITY);
  /** Counts invalidations: what was read before one must not be cached after it. */
  private changes = 0;
  /** As far as this process knows; every read tells whether it knows enough. */
  private readonly keysInUse = new Map<TenantId, KeyInUse>();

  constructor(
    private readonly database: Database,
    private readonly keys: KeyProvider,
  ) {}

  /** Keyed hash under the tenant's lookup key as this process knows it, 32 bytes. */
  mac(tenant: TenantId, identifier: NormalIdentifier): Buffer {
    return this.keys.mac(tenant, 'lookup', keyOf(identifier), this.keyInUse(tenant).generation);
  }

  /** Holders of each identifier, in the order asked. One query for all that are not cached. */
  async find<Named extends NormalIdentifier>(
    tenant: TenantId,
    identifiers: readonly Named[],
  ): Promise<Lookup<Named>[]> {
    for (;;) {
      const inUse = this.keyInUse(tenant);
      const found = identifiers.map((identifier) => {
        const macs = this.macs(tenant, identifier, inUse);
        return { identifier, ...macs, holders: this.cache.get(nameOf(tenant, macs.mac)) };
      });
      const unknown = found.filter((one) => one.holders === undefined);
      if (unknown.length > 0) {
        const read = await this.read(tenant, unknown, inUse);
        // The key was replaced since: what was looked for under the old one may stand under the new one.
        if (read === undefined) continue;
        for (const one of unknown) one.holders = read.get(one.mac.toString('base64')) ?? [];
      }
      return found.map((one) => ({ ...one, holders: one.holders ?? [] }));
    }
  }

  /** Forgets cached answers; after every change of who holds an identifier. Without hashes: everything. */
  invalidate(tenant: TenantId, macs?: readonly Buffer[]): void {
    this.changes += 1;
    // Hashes under the key before this one name other entries of the cache.
    if (macs && !this.keyInUse(tenant).overlap) for (const mac of macs) this.cache.delete(nameOf(tenant, mac));
    else this.cache.clear();
  }

  private keyInUse(tenant: TenantId): KeyInUse {
    return this.keysInUse.get(tenant) ?? FIRST;
  }

  private macs(tenant: TenantId, identifier: NormalIdentifier, { generation, overlap }: KeyInUse): LookupMac {
    const mac = (of: number): Buffer => this.keys.mac(tenant, 'lookup', keyOf(identifier), of);
    return { mac: mac(generation), generation, ...(overlap ? { old: mac(generation - 1) } : {}) };
  }

  /** Undefined when the answer shows that the key was replaced: a row may be under a hash that was not asked for. */
  private async read(
    tenant: TenantId,
    asked: readonly LookupMac[],
    inUse: KeyInUse,
  ): Promise<Map<string, Holder[]> | undefined> {
    const changes = this.changes;
    const { rows } = await this.database.fetch<Row>(tenant, {
      name: 'subject-lookup',
      // One index look-up a hash, whatever the planner believes of the table's size: a plan that was made while it was
      // empty would read everybody of the tenant. `OFFSET 0` keeps the two look-ups from being turned into a join.
      // The keys come with the same snapshot: none can be replaced between the two.
      text: `(SELECT n.mac, i.subject, s.person, NULL::int AS generation, NULL::boolean AS rekeyed FROM unnest($2::bytea[]) AS n(mac)
             CROSS JOIN LATERAL (SELECT subject FROM subject_identifier WHERE tenant = $1 AND mac = n.mac OFFSET 0) i
             CROSS JOIN LATERAL (SELECT person FROM subject WHERE tenant = $1 AND id = i.subject OFFSET 0) s
             ORDER BY i.subject)
             UNION ALL SELECT NULL, NULL, NULL, generation, rekeyed_at IS NOT NULL FROM lookup_key WHERE tenant = $1`,
      values: [tenant, asked.flatMap(({ mac, old }) => (old ? [mac, old] : [mac]))],
    });
    if (await this.learn(tenant, inUse, rows)) return undefined;
    const newest = new Map(asked.flatMap(({ mac, old }) => (old ? [[old.toString('base64'), mac]] : [])));
    const byMac = new Map<string, Holder[]>(asked.map(({ mac }) => [mac.toString('base64'), []]));
    for (const { mac, subject, person } of rows) {
      if (mac === null) continue;
      const name = mac.toString('base64');
      byMac.get(newest.get(name)?.toString('base64') ?? name)?.push({ subject, person });
    }
    if (changes === this.changes) {
      for (const [mac, holders] of byMac)
        this.cache.set(`${tenant}${mac}`, holders, holders.length > 0 ? KNOWN_MS : UNKNOWN_MS);
    }
    return byMac;
  }

  /** True when another key is in use than the one that was looked up with. */
  private async learn(tenant: TenantId, inUse: KeyInUse, rows: readonly Row[]): Promise<boolean> {
    const keys = rows.filter(({ generation }) => generation !== null);
    const newest = keys.reduce<Row | undefined>(
      (last, row) => ((row.generation ?? 0) > (last?.generation ?? 0) ? row : last),
      undefined,
    );
    const now = newest ? { generation: newest.generation ?? 1, overlap: newest.rekeyed !== true } : FIRST;
    if (now.generation === inUse.generation && now.overlap === inUse.overlap) return false;
    if (now.generation > 1) await this.keys.ready('lookup', now.generation);
    this.keysInUse.set(tenant, now);
    this.changes += 1;
    this.cache.clear();
    // With the overlap over, what was asked for included everything that can be there.
    return now.generation !== inUse.generation;
  }
}

function nameOf(tenant: TenantId, mac: Buffer): string {
  return `${tenant}${mac.toString('base64')}`;
}
