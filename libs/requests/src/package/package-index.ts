/** The first page of a package, and its manifest. Pure. */
import type { JsonObject } from '#kernel';
import { blocksHtml, escapeHtml, htmlPage, type Block } from '../answer/answer-letter.js';
import type { Contents } from './package-contents.js';
import type { ZippedFile } from './package-zip.js';

/** What the package says about itself. */
export interface PackageHead {
  packageId: string;
  requestId: string;
  createdAt: string;
}

/** `manifest.json`: SHA-256 of every other file. */
export function manifestOf(head: PackageHead, contents: Contents, files: readonly ZippedFile[]): JsonObject {
  const counts = new Map(contents.tables.map(({ path, count }) => [`${path}.json`, count]));
  return {
    format: 'lethe-package/1',
    ...head,
    controller: contents.controller,
    files: files.map(({ path, sha256, bytes }) => {
      const records = counts.get(path);
      return { path, sha256, bytes, ...(records === undefined ? {} : { records }) };
    }),
    notSearched: contents.notSearched.map(({ name, why, outcome }) => ({ name, why, outcome })),
    withheld: contents.withheld.map(({ system, dataset, field, type }) => ({ system, dataset, field, type })),
  };
}

/** `index.html`: what is there, what is not, and where to read on. */
export function indexPage(head: PackageHead, contents: Contents): string {
  const { controller, tables, notSearched, withheld } = contents;
  const searched = new Set(tables.map((table) => table.system)).size;
  const title = 'Your data';
  const rows = tables.map(({ path, system, title: name, count }) => {
    const links = ['html', 'csv', 'json'].map((ending) => `<a href="${path}.${ending}">${ending}</a>`).join(' ');
    return `<tr><td>${escapeHtml(system)}</td><td>${escapeHtml(name)}</td><td>${count}</td><td>${links}</td></tr>`;
  });
  const left: Block[] = [
    ...named(
      'Not searched by a program',
      notSearched.map(({ name, why, outcome }) => `${name} (${why}): ${OUTCOMES[outcome]}`),
    ),
    ...named(
      'Held, but not handed out',
      withheld.map(({ system, dataset, field, type }) => `${system}, ${dataset}, ${field}: ${type}`),
    ),
  ];
  return htmlPage(
    'en',
    title,
    [
      `<h1>${title}</h1>`,
      `<p>${escapeHtml(controller)}, ${escapeHtml(head.createdAt.slice(0, 10))}. Reference ${escapeHtml(head.requestId)}.</p>`,
      `<p>This package covers ${tables.length} datasets in ${searched} systems that were searched. JSON is the master; CSV and pages show the same.</p>`,
      '<p><a href="information.html">Why we process your data, who receives them, how long, and your rights</a></p>',
      `<table><thead><tr><th>System</th><th>Data</th><th>Records</th><th>Files</th></tr></thead><tbody>${rows.join('\n')}</tbody></table>`,
      blocksHtml(left),
      '<p>manifest.json holds the SHA-256 of every file.</p>',
    ].join('\n'),
  );
}

const OUTCOMES = {
  done: 'looked after by hand; ask us for the result',
  'nothing-found': 'looked after by hand, nothing found',
  open: 'not searched',
} as const;

function named(heading: string, items: string[]): Block[] {
  if (items.length === 0) return [];
  return [
    { kind: 'heading', text: heading },
    { kind: 'list', items },
  ];
}
