/** A table of records as CSV, JSON and a readable page, a piece at a time. Pure. */
import { escapeHtml, htmlPage } from '../answer/answer-letter.js';
import type { Json } from '../step/connected.js';

/** Records of one kind, readable more than once. */
export interface PackageTable {
  /** Path in the package, without ending. */
  path: string;
  /** The system it comes from. */
  system: string;
  title: string;
  columns: string[];
  count: number;
  rows: () => AsyncIterable<Record<string, Json>>;
}

/** A page with more rows is slow to open; JSON and CSV hold all. */
const PAGE_ROWS = 2000;
/** What makes a spreadsheet take a cell for a formula; also the wide forms that it folds to the same signs. */
const FORMULA = /^[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/;

/** A cell of CSV (RFC 4180). A text that a spreadsheet would run gets an apostrophe in front; the JSON has it as it is. */
export function csvCell(value: Json | undefined): string {
  const text = cellText(value);
  const guarded = typeof value !== 'number' && FORMULA.test(text) ? `'${text}` : text;
  return /[",\n\r\t]|^\s|\s$/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

function cellText(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The whole table as CSV, with a byte order mark so that spreadsheets read UTF-8. */
export async function* csvOf({ columns, rows }: PackageTable): AsyncGenerator<string> {
  yield `\uFEFF${columns.map(csvCell).join(',')}\r\n`;
  for await (const row of rows()) yield `${columns.map((name) => csvCell(row[name])).join(',')}\r\n`;
}

/** The whole table as a JSON array: the master. */
export async function* jsonOf({ rows }: PackageTable): AsyncGenerator<string> {
  let before = '[\n';
  for await (const row of rows()) {
    yield `${before}${JSON.stringify(row)}`;
    before = ',\n';
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}

/** The table as a page; every value is escaped. */
export async function* htmlOf(table: PackageTable): AsyncGenerator<string> {
  const { columns, count, rows, title, system } = table;
  const mark = '\u0000';
  const frame = htmlPage('en', `${title} (${system})`, mark).split(mark);
  const head = columns.map((name) => `<th>${escapeHtml(name)}</th>`).join('');
  const shown =
    count > PAGE_ROWS
      ? `the first ${PAGE_ROWS} of ${count} records; the CSV and JSON files hold all`
      : `${count} records`;
  yield `${frame[0] ?? ''}<p><a href="${'../'.repeat(table.path.split('/').length - 1)}index.html">Overview</a></p>`;
  yield `<h1>${escapeHtml(title)}</h1><p>${escapeHtml(system)}: ${shown}</p><table><thead><tr>${head}</tr></thead><tbody>\n`;
  let at = 0;
  for await (const row of rows()) {
    if ((at += 1) > PAGE_ROWS) break;
    yield `<tr>${columns.map((name) => `<td>${escapeHtml(cellText(row[name]))}</td>`).join('')}</tr>\n`;
  }
  yield `</tbody></table>${frame[1] ?? ''}`;
}

/** A table whose rows are at hand. */
export function smallTable(
  path: string,
  system: string,
  title: string,
  rows: readonly Record<string, Json>[],
): PackageTable {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return {
    ...{ path, system, title, columns, count: rows.length },
    rows: async function* () {
      yield* rows;
    },
  };
}

/** A name as part of a path: what is no plain letter, digit, dot or dash goes, and so does every way up. */
export function pathPart(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+|[.-]+$/g, '')
    .slice(0, 60);
  return plain === '' ? 'data' : plain;
}
