/** A letter as blocks, and its two forms: text for a mail, printable HTML for an envelope. Pure. */

/** A part of a letter; values are plain text. */
export type Block =
  | { kind: 'heading'; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'list'; items: string[] }
  | { kind: 'table'; columns: string[]; rows: string[][] };

/** What is kept of an answer: the words, not their form. `language` is BCP 47. */
export type Letter = {
  language: string;
  subject: string;
  /** Who writes, e.g. the controller's name. */
  from: string;
  /** Day of writing, YYYY-MM-DD, in the controller's zone. */
  date: string;
  blocks: Block[];
};

/** Characters that HTML gives a meaning to; a name from a connected system must not become markup. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** The letter as the text of a mail. */
export function renderText(letter: Letter): string {
  const blocks = letter.blocks.map(textOf).join('\n\n');
  return `${letter.from}, ${letter.date}\n\n${blocks}\n`;
}

function textOf(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `${block.text}\n${'-'.repeat(block.text.length)}`;
    case 'paragraph':
      return block.text;
    case 'list':
      return block.items.map((item) => `- ${item}`).join('\n');
    case 'table':
      return block.rows
        .map((row) => row.map((cell, at) => (cell === '' ? '' : `${block.columns[at] ?? ''}: ${cell}`)))
        .map((row) => `- ${row.filter((cell) => cell !== '').join('; ')}`)
        .join('\n');
  }
}

/** Only type and lines; the policy in the page keeps a browser from running or fetching anything it might hold. */
const STYLE =
  'body{font:12pt/1.45 Georgia,serif;max-width:42em;margin:2em auto;padding:0 1em;color:#111}' +
  'h1{font-size:1.35em}h2{font-size:1.1em;margin-top:1.6em}' +
  'table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.25em .5em;text-align:left;vertical-align:top}' +
  '@media print{body{margin:0}table{font-size:10pt}}';

/** The same rule as a header; the API's own forbids even the style. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
} as const;

/** A whole page around trusted markup: no script, no outside resource. `body` must be escaped already. */
export function htmlPage(language: string, title: string, body: string): string {
  return [
    '<!doctype html>',
    `<html lang="${escapeHtml(language)}"><head><meta charset="utf-8">`,
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style></head>`,
    `<body>${body}</body></html>`,
    '',
  ].join('\n');
}

/** Blocks as markup; every value is escaped. */
export function blocksHtml(blocks: readonly Block[]): string {
  return blocks.map(htmlOf).join('\n');
}

/** The letter as a printable page. */
export function renderHtml(letter: Letter): string {
  const head = `<p>${escapeHtml(letter.from)}<br>${escapeHtml(letter.date)}</p>\n<h1>${escapeHtml(letter.subject)}</h1>`;
  return htmlPage(letter.language, letter.subject, `${head}\n${blocksHtml(letter.blocks)}`);
}

function htmlOf(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `<h2>${escapeHtml(block.text)}</h2>`;
    case 'paragraph':
      return `<p>${escapeHtml(block.text)}</p>`;
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`;
    case 'table':
      return [
        `<table><thead><tr>${cells('th', block.columns)}</tr></thead><tbody>`,
        ...block.rows.map((row) => `<tr>${cells('td', row)}</tr>`),
        '</tbody></table>',
      ].join('\n');
  }
}

function cells(tag: 'th' | 'td', row: readonly string[]): string {
  return row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('');
}
