/** People by their identifiers: who is meant, who is new, and what must be appended for a new one. */
import { newId, type SubjectId, type TenantId } from '#kernel';
import type { InlineRow, NewEvent } from '#ledger';
import type { IdentifierLookup, Lookup } from './identifier-lookup.js';
import { normalise, normaliseAll, type Identifier, type PlacedIdentifier, type Strength } from './identifier.js';
import type { KeyClass } from './keys/keystore.queries.js';
import type { Sealer } from './keys/sealer.js';
import {
  firstContactIndex,
  identifierAdded,
  identifierPlace,
  identifierRow,
  lookupKeyColumn,
  meantRow,
  registered,
  subjectRow,
} from './subject.js';
import { SubjectAmbiguous, SubjectErased } from './subjects.errors.js';

/** Who is meant. */
export interface Resolved {
  /** Absent when nobody is known by these identifiers. For linked people the oldest alias. */
  subject?: SubjectId;
  /** Every subject that holds one of the identifiers; several only when they are linked. */
  matches: SubjectId[];
}

/** How far a caller may go when identifiers arrive. */
export interface RecordOptions {
  /** The caller holds `subjects:link`: an unknown identifier beside a known one is added to the known person. */
  mayLink?: boolean;
  /** Strength of identifiers that are added. Default `claimed`. */
  strength?: Strength;
  /** JSON pointer of the identifiers in the caller's body; default `/subject/identifiers`. */
  pointer?: string;
  /** Keys that `append` will seal with, beside identity: those of a new person are made together. */
  sealsWith?: readonly KeyClass[];
  /** The caller's own rows ask whether the person is still meant (`stillMeant`): a statement less in the flush. */
  asks?: boolean;
}

/** A person to record something about, and what to append together with it. */
export interface PreparedSubject {
  subject: SubjectId;
  isNew: boolean;
  /** For `Append.events` and `Append.rows`. Of a known person only a row that refuses the append once she is no longer meant. */
  events: NewEvent[];
  rows: InlineRow[];
  /** Every subject that holds one of the identifiers, for `matchesColumn`; empty for a new person. */
  matches: readonly SubjectId[];
  /** Identifiers that were not linked, as indices into the caller's list; they were ignored, not stored. */
  unlinked: number[];
  /** Keyed hashes that `events` and `rows` add; for `Subjects.settled`. */
  added: readonly Buffer[];
}

const ATTEMPTS = 8;

export class Subjects {
  /** First contacts under way in this process: a second one for the same identifier waits instead of colliding. */
  private readonly underWay = new Map<string, Promise<unknown>>();

  constructor(
    private readonly identifiers: IdentifierLookup,
    private readonly sealer: Sealer,
  ) {}

  /** Who is meant. Throws 409 `subject-ambiguous` when the identifiers lead to people that are not linked. */
  async resolve(tenant: TenantId, identifiers: readonly Identifier[], pointer?: string): Promise<Resolved> {
    return decide(await this.identifiers.find(tenant, normaliseAll(identifiers, pointer)));
  }

  /**
   * The people behind the identifiers, linked ones as one (the oldest alias): empty = unknown, more than one = ambiguous.
   * Cached; for the consent check.
   */
  async lookup(tenant: TenantId, identifiers: readonly Identifier[], pointer?: string): Promise<SubjectId[]> {
    return peopleOf(await this.identifiers.find(tenant, normaliseAll(identifiers, pointer)));
  }

  /**
   * Finds or prepares the person and runs `append`, which must hand `events` and `rows` to the ledger in one append; so a
   * first consent of a new person is one flush. Runs `append` again when another writer registered the person first,
   * or has just erased her or changed her links.
   */
  async record<T>(
    tenant: TenantId,
    identifiers: readonly Identifier[],
    options: RecordOptions,
    append: (who: PreparedSubject) => Promise<T>,
  ): Promise<T> {
    const normal = normaliseAll(identifiers, options.pointer);
    for (let attempt = 1; ; attempt++) {
      const names = normal.map(
        (identifier) => `${tenant}${this.identifiers.mac(tenant, identifier).toString('base64')}`,
      );
      const busy = names.map((name) => this.underWay.get(name)).find((run) => run !== undefined);
      if (busy) {
        await busy;
        attempt -= 1;
        continue;
      }
      const found = await this.identifiers.find(tenant, normal);
      if (names.some((name) => this.underWay.has(name))) continue;
      const run = this.prepareAndAppend(tenant, found, options, append);
      const first = nothingToAdd(found, options) ? [] : names;
      const quiet = run.catch(() => undefined);
      for (const name of first) this.underWay.set(name, quiet);
      try {
        return await run;
      } catch (error) {
        if (!isStale(error) || attempt >= ATTEMPTS) throw error;
        this.forget(tenant, identifiers);
      } finally {
        for (const name of first) this.underWay.delete(name);
      }
    }
  }

  /** The parts of `record` for callers that append on their own; they must call `settled` after the append, however it ends. */
  async resolveOrPrepare(
    tenant: TenantId,
    identifiers: readonly Identifier[],
    options: RecordOptions = {},
  ): Promise<PreparedSubject> {
    return this.prepare(
      tenant,
      await this.identifiers.find(tenant, normaliseAll(identifiers, options.pointer)),
      options,
    );
  }

  /** Lets the next lookup see what an append added. */
  settled(tenant: TenantId, who: PreparedSubject): void {
    if (who.added.length > 0) this.identifiers.invalidate(tenant, who.added);
  }

  /** Forgets who is cached behind these identifiers, for a caller that knows of a change on another replica. */
  forget(tenant: TenantId, identifiers: readonly Identifier[]): void {
    const macs = identifiers.flatMap((identifier) => {
      const normal = normalise(identifier);
      return typeof normal === 'string' ? [] : [this.identifiers.mac(tenant, normal)];
    });
    this.identifiers.invalidate(tenant, macs);
  }

  private async prepareAndAppend<T>(
    tenant: TenantId,
    found: Lookup<PlacedIdentifier>[],
    options: RecordOptions,
    append: (who: PreparedSubject) => Promise<T>,
  ): Promise<T> {
    const who = await this.prepare(tenant, found, options);
    try {
      return await append(who);
    } finally {
      this.settled(tenant, who);
    }
  }

  private async prepare(
    tenant: TenantId,
    found: Lookup<PlacedIdentifier>[],
    options: RecordOptions,
  ): Promise<PreparedSubject> {
    const { subject: known, matches } = decide(found);
    const subject = known ?? (newId() as SubjectId);
    const unknown = found.filter((one) => one.holders.length === 0);
    const isNew = known === undefined;
    const who: PreparedSubject = { subject, isNew, events: [], rows: [], matches, unlinked: [], added: [] };
    if (known !== undefined && !options.asks) who.rows.push(meantRow(known, matches));
    if (known !== undefined && !options.mayLink)
      return { ...who, unlinked: unknown.map((one) => one.identifier.index) };
    if (known === undefined) {
      await this.sealer.begin(tenant, subject, ['identity', ...(options.sealsWith ?? [])]);
      who.events.push(registered(subject));
      who.rows.push(subjectRow(subject));
    }
    const added = await Promise.all(
      unknown.map((one) => this.addIdentifier(tenant, subject, one, options.strength ?? 'claimed', false)),
    );
    return {
      ...who,
      events: [...who.events, ...added.map((one) => one.event)],
      rows: [...who.rows, ...added.map((one) => one.row)],
      added: unknown.map((one) => one.mac),
    };
  }

  /** Event and row of one more identifier. `shared`: the caller knows that others may hold it too. */
  async addIdentifier(
    tenant: TenantId,
    subject: SubjectId,
    one: Pick<Lookup, 'identifier' | 'mac' | 'generation'>,
    strength: Strength,
    shared: boolean,
  ): Promise<{ event: NewEvent; row: InlineRow; id: string }> {
    const id = newId();
    const { type, value: normal, given } = one.identifier;
    const value = await this.sealer.seal(
      tenant,
      subject,
      'identity',
      given === undefined ? { type, value: normal } : { type, value: normal, given },
      identifierPlace(id),
    );
    return {
      id,
      event: identifierAdded(subject, id, type, strength, value),
      row: identifierRow({ id, subject, type, mac: one, value, strength, shared }),
    };
  }
}

function peopleOf(found: readonly Lookup[]): SubjectId[] {
  const people: SubjectId[] = [];
  for (const { holders } of found) for (const { person } of holders) if (!people.includes(person)) people.push(person);
  return people;
}

function decide(found: readonly Lookup[]): Resolved {
  const people = peopleOf(found);
  if (people.length > 1) throw new SubjectAmbiguous();
  const matches = [...new Set(found.flatMap((one) => one.holders.map((holder) => holder.subject)))];
  return people[0] === undefined ? { matches } : { subject: people[0], matches };
}

function nothingToAdd(found: readonly Lookup[], options: RecordOptions): boolean {
  const unknown = found.some((one) => one.holders.length === 0);
  const known = found.some((one) => one.holders.length > 0);
  return !unknown || (known && !options.mayLink);
}

/** What was looked up is no longer so: the next look may lead to somebody else. */
function isStale(error: unknown): boolean {
  if (error instanceof SubjectErased) return true;
  const { code, constraint, column } = error as { code?: string; constraint?: string; column?: string };
  switch (code) {
    case '23505':
      return constraint === firstContactIndex;
    case '23502':
      // The lookup key was replaced, or the person is no longer meant; where no row asks, the second is a division by zero.
      return column === lookupKeyColumn || column === 'subject';
    default:
      return code === '22012';
  }
}
