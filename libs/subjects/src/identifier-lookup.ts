/** From identifiers to people, by keyed hash, with a cache for the consent check's hot path. */
import type { Clock, SubjectId, TenantId } from '#kernel';
import type { Database } from '#ledger';
import type { KeyProvider } from '#platform';
import { keyOf, type NormalIdentifier } from './identifier.js';
import { Lru } from './lru.js';

/** Who stands behind one identifier: `subject` holds it, `person` is the smallest id among the subject's verified aliases. */
export interface Holder {
  subject: SubjectId;
  person: SubjectId;
}

/** One identifier with its keyed hash (never outside these tables) and its holders. */
export interface Lookup<Named extends NormalIdentifier = NormalIdentifier> {
  identifier: Named;
  mac: Buffer;
  holders: readonly Holder[];
}

const CAPACITY = 200_000;
/** How long another replica's link or erasure may stay unseen here. */
const KNOWN_MS = 10_000;
/** How long another replica's new person may stay unseen here. */
const UNKNOWN_MS = 1_000;

interface Row {
  mac: Buffer;
  subject: SubjectId;
  person: SubjectId;
}

export class IdentifierLookup {
  private readonly cache: Lru<readonly Holder[]>;
  /** Counts invalidations: what was read before one must not be cached after it. */
  private changes = 0;

  constructor(
    private readonly database: Database,
    private readonly keys: KeyProvider,
    clock: Clock,
  ) {
    this.cache = new Lru(CAPACITY, () => clock.now().getTime());
  }

  /** Keyed hash under the tenant's lookup key, 32 bytes. */
  mac(tenant: TenantId, identifier: NormalIdentifier): Buffer {
    return this.keys.mac(tenant, 'lookup', keyOf(identifier));
  }

  /** Holders of each identifier, in the order asked. One query for all that are not cached. */
  async find<Named extends NormalIdentifier>(
    tenant: TenantId,
    identifiers: readonly Named[],
  ): Promise<Lookup<Named>[]> {
    const found = identifiers.map((identifier) => {
      const mac = this.mac(tenant, identifier);
      return { identifier, mac, holders: this.cache.get(nameOf(tenant, mac)) };
    });
    const unknown = found.filter((one) => one.holders === undefined);
    if (unknown.length > 0) {
      const read = await this.read(
        tenant,
        unknown.map((one) => one.mac),
      );
      for (const one of unknown) one.holders = read.get(one.mac.toString('base64')) ?? [];
    }
    return found.map((one) => ({ ...one, holders: one.holders ?? [] }));
  }

  /** Forgets cached answers; after every change of who holds an identifier. Without hashes: everything. */
  invalidate(tenant: TenantId, macs?: readonly Buffer[]): void {
    this.changes += 1;
    if (macs) for (const mac of macs) this.cache.delete(nameOf(tenant, mac));
    else this.cache.clear();
  }

  private async read(tenant: TenantId, macs: Buffer[]): Promise<Map<string, Holder[]>> {
    const changes = this.changes;
    const { rows } = await this.database.fetch<Row>(tenant, {
      name: 'subject-lookup',
      // One index look-up a hash, whatever the planner believes of the table's size: a plan that was made while it was
      // empty would read everybody of the tenant. `OFFSET 0` keeps the two look-ups from being turned into a join.
      text: `SELECT n.mac, i.subject, s.person FROM unnest($2::bytea[]) AS n(mac)
             CROSS JOIN LATERAL (SELECT subject FROM subject_identifier WHERE tenant = $1 AND mac = n.mac OFFSET 0) i
             CROSS JOIN LATERAL (SELECT person FROM subject WHERE tenant = $1 AND id = i.subject OFFSET 0) s
             ORDER BY i.subject`,
      values: [tenant, macs],
    });
    const byMac = new Map<string, Holder[]>(macs.map((mac) => [mac.toString('base64'), []]));
    for (const { mac, subject, person } of rows) byMac.get(mac.toString('base64'))?.push({ subject, person });
    if (changes === this.changes) {
      for (const [mac, holders] of byMac)
        this.cache.set(`${tenant}${mac}`, holders, holders.length > 0 ? KNOWN_MS : UNKNOWN_MS);
    }
    return byMac;
  }
}

function nameOf(tenant: TenantId, mac: Buffer): string {
  return `${tenant}${mac.toString('base64')}`;
}
