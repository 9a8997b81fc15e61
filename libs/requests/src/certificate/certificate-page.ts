/** A certificate as a page to print; the JSON is the document, this is a reading aid and says so. Pure. */
import type { JsonObject } from '#kernel';
import { blocksHtml, escapeHtml, htmlPage, type Block } from '../answer/answer-letter.js';
import type { CertificateFile } from './certificate-file.js';

type Target = {
  name: string;
  outcomes: {
    title?: string;
    dataset: string;
    kind: string;
    count?: number;
    citation?: string;
    until?: string | null;
  }[];
  verification: string;
  horizon: string | null;
  isolation: string;
};

/** Printable page of a certificate file. */
export function certificatePage({ body, signature, proofs }: CertificateFile): string {
  const title = `Certificate ${text(body, 'certificateId')}, version ${text(body, 'version')}`;
  const blocks: Block[] = [
    { kind: 'table', columns: ['', ''], rows: heading(body) },
    ...(body['targets'] as unknown as Target[]).flatMap(targetBlocks),
    ...named('Not searched', body['notSearched'] as string[]),
    ...named('What this means', body['meaning'] as string[]),
    { kind: 'heading', text: 'Proof' },
    {
      kind: 'paragraph',
      text: `${proofs.length} ledger entries are proved in the JSON file; it is signed with key ${signature.keyId}. This page is a reading aid: check the file with scripts/verify/verify-certificate.mjs.`,
    },
  ];
  return htmlPage('en', title, `<h1>${escapeHtml(title)}</h1>\n${blocksHtml(blocks)}`);
}

function heading(body: JsonObject): string[][] {
  const rows: [string, string][] = [
    ['Controller', 'controller'],
    ['Request', 'requestId'],
    ['Right', 'type'],
    ['Closed as', 'status'],
    ['Received', 'receivedAt'],
    ['Closed', 'closedAt'],
    ['Issued', 'issuedAt'],
    ['Replaces', 'supersedes'],
  ];
  return rows.filter(([, name]) => body[name] !== undefined).map(([label, name]) => [label, text(body, name)]);
}

function targetBlocks({ name, outcomes, verification, horizon, isolation }: Target): Block[] {
  const rows = outcomes.map(({ title, dataset, kind, count, citation, until }) => [
    title ?? dataset,
    kind,
    String(count ?? ''),
    [citation, until === null || until === undefined ? undefined : `until ${until}`].filter(Boolean).join(', '),
  ]);
  return [
    { kind: 'heading', text: name },
    { kind: 'table', columns: ['Data', 'Outcome', 'Records', 'Why'], rows },
    {
      kind: 'paragraph',
      text: `Read again: ${verification}. Copies may live until: ${horizon ?? 'no end known'}. Plugin isolation: ${isolation}.`,
    },
  ];
}

function named(heading: string, items: string[]): Block[] {
  if (items.length === 0) return [];
  return [
    { kind: 'heading', text: heading },
    { kind: 'list', items },
  ];
}

function text(body: JsonObject, name: string): string {
  const value = body[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
