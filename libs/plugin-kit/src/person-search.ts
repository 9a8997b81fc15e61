/** Finds the rows of one person in a connection: by typed identifiers, then over references to a fixed point. */
import type { Identifier } from '@lethe/plugin-sdk';
import { fold, identifierName, isPlaceholder } from './identifier-values.js';
import type { MappedRow, MappedTables } from './mapped-tables.js';
import { isCertainPhone } from './phone-numbers.js';
import type { Carrier } from './table-map.js';

/** Whether a row may be acted on; everything but `clear` is shown to an officer and left alone. */
export type Standing = 'clear' | 'ambiguous-identifier' | 'contradicting-identifier' | 'candidate-only';

export interface FoundRow extends MappedRow {
  standing: Standing;
  /** Reached by an identifier it carries itself, not over a reference. */
  direct: boolean;
}

export interface Carried extends Identifier {
  carrier: Carrier;
}

export interface PersonRows {
  rows: Map<string, FoundRow>;
  /** Identifiers that lead to more than one person. */
  doubtful: Set<string>;
  /** Account numbers the person is known by: those asked for and those on rows that are certainly the person's. */
  pins: Map<string, Set<string>>;
}

export function rowName(row: { dataset: { name: string }; ref: string }): string {
  return `${row.dataset.name}\u0000${row.ref}`;
}

/** Identifiers a row carries, folded, placeholders left out. */
export function carriedBy(tables: MappedTables, row: MappedRow): Carried[] {
  return tables.table(row.dataset.name).carriers.flatMap((carrier) => {
    const value = row.values[carrier.column];
    if (value === null || value === undefined || isPlaceholder(value, tables.map.ignoreValues)) return [];
    const folded = fold(value, carrier.normalise, tables.map.nationalPhones);
    // A number of nobody knows which country is another person's in each of them.
    const sure = carrier.normalise !== 'phone' || isCertainPhone(folded);
    return [{ type: carrier.type, value: folded, carrier: sure ? carrier : { ...carrier, strength: 'candidate' } }];
  });
}

/** The row carries account numbers of a type the person is known by, and none of them is the person's. */
export function contradicts(tables: MappedTables, row: MappedRow, pins: PersonRows['pins']): boolean {
  const owned = carriedBy(tables, row).filter(
    (entry) => entry.carrier.unique && entry.carrier.strength === 'identifying',
  );
  return [...pins].some(([type, values]) => {
    const same = owned.filter((entry) => entry.type === type);
    return same.length > 0 && same.every((entry) => !values.has(entry.value));
  });
}

class PersonSearch {
  private readonly found: PersonRows = { rows: new Map(), doubtful: new Set(), pins: new Map() };
  private readonly wanted = new Set<string>();
  private readonly direct = new Map<string, MappedRow>();

  constructor(
    private readonly tables: MappedTables,
    private readonly ids: readonly Identifier[],
  ) {}

  async run(): Promise<PersonRows> {
    await this.match();
    this.pin(this.askedPins());
    // A person's own row teaches further account numbers; with them a twin's row can be told apart.
    for (let known = -1; known !== this.pinCount();) {
      known = this.pinCount();
      this.judge();
      const persons = [...this.found.rows.values()].filter((row) => row.dataset.person && row.standing === 'clear');
      this.pin(
        persons
          .flatMap((row) => this.carried(row))
          .filter((entry) => entry.carrier.unique && entry.carrier.strength === 'identifying'),
      );
    }
    await this.follow('clear');
    await this.follow('ambiguous-identifier');
    return this.found;
  }

  private carried(row: MappedRow): Carried[] {
    return carriedBy(this.tables, row);
  }

  private askedPins(): Identifier[] {
    const carriers = this.tables.map.datasets.flatMap((entry) => this.tables.table(entry.name).carriers);
    const unique = carriers.filter((carrier) => carrier.unique && carrier.strength === 'identifying');
    return this.ids.flatMap((id) =>
      unique
        .filter((carrier) => carrier.type === id.type)
        .map((carrier) => ({ type: id.type, value: fold(id.value, carrier.normalise) })),
    );
  }

  private pinCount(): number {
    return [...this.found.pins.values()].reduce((sum, values) => sum + values.size, 0);
  }

  private pin(ids: Identifier[]): void {
    for (const { type, value } of ids) this.found.pins.set(type, (this.found.pins.get(type) ?? new Set()).add(value));
  }

  /** Rows that carry one of the identifiers asked for. */
  private async match(): Promise<void> {
    const usable = this.ids.filter((id) => !isPlaceholder(id.value, this.tables.map.ignoreValues));
    for (const dataset of this.tables.map.datasets) {
      for (const carrier of this.tables.table(dataset.name).carriers) {
        const values = usable.filter((id) => id.type === carrier.type).map((id) => id.value);
        for (const value of values)
          this.wanted.add(identifierName({ type: carrier.type, value: fold(value, carrier.normalise) }));
        if (values.length === 0) continue;
        const rows = await this.tables.rowsBy(dataset.name, carrier.column, values, carrier.normalise);
        for (const row of rows) this.direct.set(rowName(row), row);
      }
    }
  }

  private hits(row: MappedRow, strength: 'identifying' | 'candidate'): Carried[] {
    return this.carried(row).filter(
      (entry) => entry.carrier.strength === strength && this.wanted.has(identifierName(entry)),
    );
  }

  /** Decides about every direct row with what is known of the person by now. */
  private judge(): void {
    const { rows, doubtful, pins } = this.found;
    rows.clear();
    this.doubt();
    for (const [name, row] of this.direct) {
      const identifying = this.hits(row, 'identifying');
      const foreign = contradicts(this.tables, row, pins);
      // Shared value, other account number: the row is the twin's and none of our business.
      if (foreign && !identifying.some((entry) => entry.carrier.unique)) continue;
      const certain = identifying.some((entry) => !doubtful.has(identifierName(entry)));
      const standing = foreign
        ? 'contradicting-identifier'
        : certain
          ? 'clear'
          : identifying.length > 0
            ? 'ambiguous-identifier'
            : 'candidate-only';
      rows.set(name, { ...row, standing, direct: true });
    }
  }

  /**
   * An identifier is in doubt when it leads to two rows of a table of persons, to a row of somebody else, or to
   * persons with different account numbers of one kind, in whatever tables they stand.
   */
  private doubt(): void {
    const seen = new Map<string, string>();
    const differs = (slot: string, value: string): boolean => {
      const known = seen.get(slot) ?? value;
      seen.set(slot, known);
      return known !== value;
    };
    for (const row of this.direct.values()) {
      if (!row.dataset.person) continue;
      const numbers = this.carried(row).filter(
        (entry) => entry.carrier.unique && entry.carrier.strength === 'identifying',
      );
      for (const hit of this.hits(row, 'identifying')) {
        const name = identifierName(hit);
        const twice = differs(`row ${row.dataset.name} ${name}`, row.ref);
        const others = hit.carrier.unique
          ? []
          : numbers.filter((entry) => differs(`number ${entry.type} ${name}`, entry.value));
        const foreign = !hit.carrier.unique && contradicts(this.tables, row, this.found.pins);
        if (twice || others.length > 0 || foreign) this.found.doubtful.add(name);
      }
    }
  }

  private async follow(standing: 'clear' | 'ambiguous-identifier'): Promise<void> {
    let frontier = [...this.found.rows.values()].filter((row) => row.standing === standing && !row.dataset.shared);
    while (frontier.length > 0) {
      const next = [
        ...(await this.children(frontier, standing)),
        ...(standing === 'clear' ? await this.parents(frontier) : []),
      ];
      // A shared row is nobody's alone: what hangs from it is not followed.
      frontier = next.filter((row) => row.standing === standing && !row.dataset.shared);
    }
  }

  private admit(rows: MappedRow[], standing: Standing): FoundRow[] {
    const fresh: FoundRow[] = [];
    for (const row of rows) {
      const known = this.found.rows.get(rowName(row));
      if (known && (known.standing !== 'candidate-only' || standing === 'candidate-only')) {
        // Reached in doubt by a value of its own, but certainly by the row it belongs to.
        if (known.standing !== 'ambiguous-identifier' || standing !== 'clear') continue;
      }
      const foreign = !row.dataset.shared && contradicts(this.tables, row, this.found.pins);
      const entry: FoundRow = {
        ...row,
        standing: foreign ? 'contradicting-identifier' : standing,
        direct: known?.direct ?? false,
      };
      this.found.rows.set(rowName(row), entry);
      fresh.push(entry);
    }
    return fresh;
  }

  private values(rows: readonly MappedRow[], dataset: string, column: string): string[] {
    const values = rows.filter((row) => row.dataset.name === dataset).map((row) => row.values[column]);
    return [...new Set(values.filter((value): value is string => !isPlaceholder(value, this.tables.map.ignoreValues)))];
  }

  /** Rows that point at the rows found. */
  private async children(frontier: FoundRow[], standing: Standing): Promise<FoundRow[]> {
    const admitted: FoundRow[] = [];
    for (const dataset of this.tables.map.datasets) {
      for (const ref of dataset.refs) {
        const values = this.values(frontier, ref.to.dataset, ref.to.column);
        if (values.length === 0) continue;
        const rows = await this.tables.rowsBy(dataset.name, ref.column, values);
        admitted.push(...(dataset.person ? this.admitPersons(rows, standing) : this.admit(rows, standing)));
      }
    }
    return admitted;
  }

  /** Rows that the rows found point at by an identifying reference. */
  private async parents(frontier: FoundRow[]): Promise<FoundRow[]> {
    const admitted: FoundRow[] = [];
    for (const dataset of this.tables.map.datasets) {
      for (const ref of dataset.refs.filter((entry) => entry.identifying)) {
        const person = this.tables.table(ref.to.dataset).dataset.person;
        const from = frontier.filter((row) => row.dataset.name === dataset.name && (!person || row.direct));
        const values = this.values(from, dataset.name, ref.column);
        if (values.length === 0) continue;
        const rows = await this.tables.rowsBy(ref.to.dataset, ref.to.column, values);
        admitted.push(...(person ? this.admitPersons(rows, 'clear') : this.admit(rows, 'clear')));
      }
    }
    return admitted;
  }

  /** A second person behind the rows of one is not the same person until an officer says so. */
  private admitPersons(rows: MappedRow[], standing: Standing): FoundRow[] {
    const own = rows.filter((row) => !contradicts(this.tables, row, this.found.pins));
    const refs = new Set(own.map(rowName));
    const dataset = own[0]?.dataset.name;
    for (const row of this.found.rows.values())
      if (row.dataset.name === dataset && row.standing === 'clear') refs.add(rowName(row));
    return this.admit(own, refs.size > 1 ? 'ambiguous-identifier' : standing);
  }
}

/** All rows of the mapped tables that lead to the person of these identifiers, each with its standing. */
export async function findPerson(tables: MappedTables, ids: readonly Identifier[]): Promise<PersonRows> {
  return new PersonSearch(tables, ids).run();
}
