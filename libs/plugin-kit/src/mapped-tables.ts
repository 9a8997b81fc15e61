/** Reads rows of mapped tables inside one transaction: quoting, typed comparison, keyset paging. */
import { ConnectorError } from '@lethe/plugin-sdk';
import type { Column, Dialect, Session, SqlRow, SqlValue } from './dialect.js';
import { comparable } from './identifier-values.js';
import { carriersOf, type Carrier, type MappedDataset, type Normalise, type TableMap } from './table-map.js';

const PAGE = 1000;
const CHUNK = 500;
/** Alias of the key as text; no column of a person's row can be called so by accident. */
const REF = '__ref';
const CLOCK = '__clock';

/** What the search needs of a row: its key, the values that lead to persons or rows, its date. */
export interface MappedRow {
  dataset: MappedDataset;
  ref: string;
  values: Readonly<Record<string, string | null>>;
  startsOn?: string;
}

/** A dataset with the columns that are present in the system and those that carry identifiers. */
export interface MappedTable {
  dataset: MappedDataset;
  columns: Column[];
  carriers: Carrier[];
}

function missing(code: string, of: MappedDataset): never {
  throw new ConnectorError(
    { class: 'config', code },
    `The table map does not fit the database: ${code} in dataset ${of.name}.`,
  );
}

/** The mapped tables of a connection within one transaction. */
export class MappedTables {
  private constructor(
    readonly dialect: Dialect,
    readonly session: Session,
    readonly map: TableMap,
    private readonly tables: ReadonlyMap<string, MappedTable>,
  ) {}

  /** Loads the columns and refuses a map that names a table or column that is not there. */
  static async open(dialect: Dialect, session: Session, map: TableMap): Promise<MappedTables> {
    const present = await dialect.columns(
      session,
      map.datasets.map((entry) => entry.table),
    );
    const tables = new Map<string, MappedTable>();
    for (const dataset of map.datasets) {
      const columns = present.get(dataset.table);
      if (!columns || columns.length === 0) missing('table-missing', dataset);
      const used = [
        dataset.key,
        ...bearing(map, dataset),
        ...dataset.stripFields,
        ...Object.keys(dataset.anonymise ?? {}),
      ];
      used.push(
        ...Object.keys(dataset.detach ?? {}),
        ...(dataset.fields ?? []),
        ...(dataset.clockField ? [dataset.clockField] : []),
      );
      if (used.some((column) => !columns.some((entry) => entry.name === column))) missing('column-missing', dataset);
      tables.set(dataset.name, { dataset, columns, carriers: carriersOf(map, dataset) });
    }
    return new MappedTables(dialect, session, map, tables);
  }

  table(dataset: string): MappedTable {
    const found = this.tables.get(dataset);
    if (found) return found;
    throw new ConnectorError(
      { class: 'permanent', code: 'dataset-unknown' },
      'The call names a dataset outside the table map.',
    );
  }

  column(of: MappedTable, name: string): Column {
    return of.columns.find((entry) => entry.name === name) ?? missing('column-missing', of.dataset);
  }

  /** Quoted, schema-qualified name. */
  from(of: MappedTable): string {
    return quoteTable(this.dialect, of.dataset.table);
  }

  /** `column IN (…)` over the values the column can hold; undefined when it can hold none of them. */
  among(column: Column, values: string[], how: Normalise): { sql: string; parameters: SqlValue[] } | undefined {
    const parameters = [...new Set(values.flatMap((value) => comparable(value, column, how, this.map.nationalPhones)))];
    if (parameters.length === 0) return undefined;
    const typed = how === 'none' && (column.family === 'integer' || column.family === 'uuid');
    const cast = typed ? (column.family === 'integer' ? 'bigint' : 'uuid') : 'varchar';
    const quoted = this.dialect.quote(column.name);
    const plain = typed || column.family === 'text' ? quoted : `CAST(${quoted} AS varchar)`;
    const marks = parameters.map((_, index) => `CAST(${this.dialect.parameter(index + 1)} AS ${cast})`);
    if (how === 'lower')
      return { sql: `lower(${plain}) IN (${marks.map((mark) => `lower(${mark})`).join(', ')})`, parameters };
    if (how === 'digits' || how === 'phone')
      return { sql: `regexp_replace(${plain}, '[^0-9]', '', 'g') IN (${marks.join(', ')})`, parameters };
    return { sql: `${plain} IN (${marks.join(', ')})`, parameters };
  }

  /** Rows whose column holds one of the values; keyset paged by primary key. */
  async rowsBy(dataset: string, name: string, values: string[], how: Normalise = 'none'): Promise<MappedRow[]> {
    const table = this.table(dataset);
    const rows: MappedRow[] = [];
    for (let start = 0; start < values.length; start += CHUNK) {
      const condition = this.among(this.column(table, name), values.slice(start, start + CHUNK), how);
      if (!condition) continue;
      for await (const page of this.pages(table, this.projection(table), condition.sql, condition.parameters))
        rows.push(...page.map((row) => this.mapped(table, row)));
    }
    return rows;
  }

  /** Whole rows by key, with the columns asked for and the key as text under `__ref`. */
  async byRef(dataset: string, refs: string[], columns: string[], lock = false): Promise<Map<string, SqlRow[]>> {
    const table = this.table(dataset);
    const select = [`CAST(${this.dialect.quote(table.dataset.key)} AS varchar) AS ${this.dialect.quote(REF)}`];
    select.push(...columns.map((column) => this.dialect.quote(column)));
    const found = new Map<string, SqlRow[]>();
    for (let start = 0; start < refs.length; start += CHUNK) {
      const condition = this.keyAmong(table, refs.slice(start, start + CHUNK));
      if (!condition) continue;
      const sql = `SELECT ${select.join(', ')} FROM ${this.from(table)} WHERE ${condition.sql} ORDER BY 1${lock ? this.dialect.lockRows : ''}`;
      for (const row of await this.session.all(sql, condition.parameters)) {
        const { [REF]: ref, ...rest } = row;
        found.set(String(ref), [...(found.get(String(ref)) ?? []), rest]);
      }
    }
    return found;
  }

  keyAmong(table: MappedTable, refs: string[]): { sql: string; parameters: SqlValue[] } | undefined {
    return this.among(this.column(table, table.dataset.key), refs, 'none');
  }

  /** YYYY-MM-DD of the clock field, as SQL. */
  clock(table: MappedTable): string {
    if (!table.dataset.clockField) missing('clock-field-missing', table.dataset);
    const column = this.column(table, table.dataset.clockField);
    const quoted = this.dialect.quote(column.name);
    if (column.family === 'temporal') return `CAST(CAST(${quoted} AS date) AS varchar)`;
    if (column.family === 'text') return `substr(${quoted}, 1, 10)`;
    return missing('clock-field-not-a-date', table.dataset);
  }

  /** Pages of rows in key order, from `after` (exclusive) on. */
  async *pages(
    table: MappedTable,
    select: string[],
    where: string,
    parameters: SqlValue[],
    after?: string,
  ): AsyncGenerator<SqlRow[]> {
    const key = this.dialect.quote(table.dataset.key);
    const family = this.column(table, table.dataset.key).family;
    const typed = family === 'integer' || family === 'uuid' ? key : `CAST(${key} AS varchar)`;
    const cast = family === 'integer' ? 'bigint' : family === 'uuid' ? 'uuid' : 'varchar';
    let last = after;
    for (;;) {
      const beyond =
        last === undefined ? '' : ` AND ${typed} > CAST(${this.dialect.parameter(parameters.length + 1)} AS ${cast})`;
      const sql = `SELECT ${select.join(', ')} FROM ${this.from(table)} WHERE (${where})${beyond} ORDER BY ${typed} LIMIT ${PAGE}`;
      const page = await this.session.all(sql, last === undefined ? parameters : [...parameters, last]);
      if (page.length > 0) yield page;
      if (page.length < PAGE) return;
      last = String(page.at(-1)?.[REF]);
    }
  }

  /** Key, identifier and reference columns as text, and the date. */
  projection(table: MappedTable): string[] {
    const { dataset } = table;
    const quote = (column: string): string => this.dialect.quote(column);
    const select = [`CAST(${quote(dataset.key)} AS varchar) AS ${quote(REF)}`];
    for (const column of bearing(this.map, dataset))
      select.push(`CAST(${quote(column)} AS varchar) AS ${quote(column)}`);
    if (dataset.clockField) select.push(`${this.clock(table)} AS ${quote(CLOCK)}`);
    return select;
  }

  mapped(table: MappedTable, row: SqlRow): MappedRow {
    const { [REF]: ref, [CLOCK]: clock, ...rest } = row;
    const values = Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [name, value === null ? null : String(value)]),
    );
    return {
      dataset: table.dataset,
      ref: String(ref),
      values,
      ...(typeof clock === 'string' ? { startsOn: clock } : {}),
    };
  }
}

/** Columns that carry an identifier or take part in a reference, from either side. */
export function bearing(map: TableMap, dataset: MappedDataset): string[] {
  const incoming = map.datasets.flatMap((entry) => entry.refs.filter((ref) => ref.to.dataset === dataset.name));
  return [
    ...new Set([
      ...dataset.match.map((entry) => entry.column),
      ...dataset.refs.map((entry) => entry.column),
      ...incoming.map((entry) => entry.to.column),
    ]),
  ];
}

/** Quotes `table` or `schema.table`. */
export function quoteTable(dialect: Pick<Dialect, 'quote'>, table: string): string {
  return table
    .split('.')
    .map((part) => dialect.quote(part))
    .join('.');
}
