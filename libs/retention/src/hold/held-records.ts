/** Which due records somebody keeps: by a hold on the dataset, or because they are a held person's. */
import { Injectable } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import { normaliseAll, People, type Identifier } from '#subjects';
import { coversAll, personHeld } from './hold.js';
import { Keepers, type Keeper } from './keepers.js';
import { failureOf, RetentionSystems, type PersonAsked, type PersonRecord } from '../retention-systems.js';

/** `by` names what keeps, e.g. `hold:<id>`. `unresolved`: somebody is held and nobody can say which records are theirs. */
export type Kept =
  | { kind: 'all'; by: string[] }
  | { kind: 'records'; by: string[]; refs: ReadonlySet<string> }
  | { kind: 'unresolved'; by: string[]; code: string; again: boolean };

/** Where a search may lead; longer chains prove nothing any more (design section 6). */
const MAX_DEPTH = 6;
const MAX_IDENTIFIERS = 1000;
/** How long a run may go by where it found a held person's records. */
const PICTURE_MS = 30_000;
/** Told apart already: somebody else's record that shares a value. */
const NOT_THEIRS = 'contradicting-identifier';

const UNKNOWN = 'held-person-unknown';

type Found = { records: ReadonlySet<string> } | { code: string; again: boolean };

const nameOf = (connectionId: string, { dataset, ref }: Pick<PersonRecord, 'dataset' | 'ref'>): string =>
  JSON.stringify([connectionId, dataset, ref]);

@Injectable()
export class HeldRecords {
  private readonly pictures = new Map<TenantId, { held: HeldNow; until: number }>();

  constructor(
    private readonly keepers: Keepers,
    private readonly people: People,
    private readonly systems: RetentionSystems,
  ) {}

  /** The last picture while the same holds and restrictions are in force and it is young: a run of many batches searches people once. */
  async recent(tenant: TenantId): Promise<HeldNow> {
    const known = this.pictures.get(tenant);
    const keepers = await this.keepers.now(tenant);
    if (known && known.until > performance.now() && known.held.fingerprint === fingerprintOf(keepers))
      return known.held;
    const held = this.picture(tenant, keepers);
    this.pictures.set(tenant, { held, until: performance.now() + PICTURE_MS });
    return held;
  }

  /** What is kept now. Each person is searched once in it, in every enabled connection. */
  async now(tenant: TenantId): Promise<HeldNow> {
    return this.picture(tenant, await this.keepers.now(tenant));
  }

  private picture(tenant: TenantId, keepers: readonly Keeper[]): HeldNow {
    const searched = new Map<SubjectId, Promise<Found>>();
    return new HeldNow(keepers, (subject) => {
      const found = searched.get(subject) ?? this.search(tenant, subject);
      searched.set(subject, found);
      // A search that failed is done again when somebody asks again.
      return found.finally(() => void found.then((one) => 'code' in one && searched.delete(subject)));
    });
  }

  /**
   * Every record that may be the person's, over identifiers that stand in their records. A search that protects errs on the
   * side of keeping: claimed identifiers count, and doubtful records too.
   */
  private async search(tenant: TenantId, subject: SubjectId): Promise<Found> {
    const known = new Map((await this.identifiersOf(tenant, subject)).map((one) => [JSON.stringify(one), one]));
    if (known.size === 0) return { code: UNKNOWN, again: false };
    const systems = await this.systems.enabled(tenant);
    const records = new Map<string, PersonRecord>();
    try {
      for (let depth = 1, before = 0; before < known.size; depth++) {
        if (depth > MAX_DEPTH || known.size > MAX_IDENTIFIERS) return { code: 'held-person-too-far', again: false };
        before = known.size;
        const asked = [personAsked([...known.values()])];
        for (const { id } of systems)
          for await (const record of this.systems.locate(tenant, id, asked))
            if (record.blockedBy !== NOT_THEIRS) records.set(nameOf(id, record), record);
        for (const record of records.values())
          for (const one of identifyingIn(record)) known.set(JSON.stringify(one), one);
      }
    } catch (error) {
      return failureOf(error);
    }
    return { records: new Set(records.keys()) };
  }

  private async identifiersOf(tenant: TenantId, subject: SubjectId): Promise<Identifier[]> {
    const aliases = await this.people.aliasesOf(tenant, subject);
    const known = await Promise.all(aliases.map((alias) => this.people.identifiersOf(tenant, alias)));
    return known.flat().flatMap(({ type, value }) => (value === undefined ? [] : [{ type, value }]));
  }
}

/** What keeps records at one moment. */
export class HeldNow {
  constructor(
    private readonly keepers: readonly Keeper[],
    private readonly search: (subject: SubjectId) => Promise<Found>,
  ) {}

  /** Names the keepers: while it is the same, nothing new is kept by a new one. */
  get fingerprint(): string {
    return fingerprintOf(this.keepers);
  }

  /** What is kept in a dataset. */
  async in(connectionId: string, dataset: string): Promise<Kept> {
    const whole = this.keepers.filter((keeper) => coversAll(keeper, connectionId, dataset));
    if (whole.length > 0) return { kind: 'all', by: whole.map(({ by }) => by) };
    const refs = new Set<string>();
    const by: string[] = [];
    for (const keeper of this.keepers) {
      const person = personHeld(keeper, connectionId, dataset);
      if (person === undefined) continue;
      const found = await this.search(person);
      if ('code' in found) {
        if (found.code === UNKNOWN && !keeper.strict) continue;
        return { kind: 'unresolved', by: [keeper.by], ...found };
      }
      const own = [...found.records].flatMap((name) => refIn(name, connectionId, dataset));
      if (own.length > 0) by.push(keeper.by);
      for (const ref of own) refs.add(ref);
    }
    return { kind: 'records', by, refs };
  }
}

const fingerprintOf = (keepers: readonly Keeper[]): string => keepers.map(({ by }) => by).join();

function refIn(name: string, connectionId: string, dataset: string): string[] {
  const [connection, set, ref] = JSON.parse(name) as [string, string, string];
  return connection === connectionId && set === dataset ? [ref] : [];
}

function personAsked(identifiers: Identifier[]): PersonAsked {
  return {
    itemKey: 'held',
    generation: 0,
    ids: identifiers.map(({ type, value }) => ({ type, value, strength: 'verified' })),
  };
}

/** Only what certainly leads to the person is followed; a candidate would hold half the shop. */
function identifyingIn({ found, blockedBy }: PersonRecord): Identifier[] {
  if (blockedBy !== undefined) return [];
  return (found ?? [])
    .filter((one) => one.strength === 'identifying')
    .map(({ type, value }) => {
      try {
        const [normal] = normaliseAll([{ type, value }]);
        return { type, value: normal?.value ?? value };
      } catch {
        return { type, value };
      }
    });
}
