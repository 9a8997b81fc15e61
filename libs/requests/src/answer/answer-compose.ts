/** From facts to a letter. What every answer of a kind must contain is decided here, once, for all languages. Pure. */
import type { AnswerFacts } from './answer-facts.js';
import type { Block, Letter } from './answer-letter.js';
import type { DatasetRow } from './answer-outcomes.js';
import { english } from './answer-words.en.js';
import type { AnswerWords } from './answer-words.js';

/** A letter is a leaf's sealed part and has a limit; the certificate always lists everything. */
const MAX_ROWS = 150;
const GONE = ['erased', 'anonymised', 'masked', 'detached', 'rectified', 'not-found', 'provided', 'reported'];
const KEPT = ['retained', 'restricted'];

/** Languages there are; the first is the fallback. */
export const LANGUAGES: readonly AnswerWords[] = [english];

/** Words for a BCP 47 tag, by its primary language. */
export function wordsFor(language: string | undefined): AnswerWords {
  const primary = language?.split('-')[0]?.toLowerCase();
  return LANGUAGES.find((words) => words.language === primary) ?? english;
}

/** The answer as a letter. */
export function composeAnswer(facts: AnswerFacts, words: AnswerWords = english): Letter {
  const body = bodyOf(facts, words);
  return {
    language: words.language,
    subject: subjectOf(facts, words),
    from: facts.controller,
    date: facts.today,
    blocks: [
      paragraph(words.reference(facts.requestId)),
      paragraph(words.greeting),
      ...body,
      ...(isRefusing(facts) ? remedies(facts, words) : []),
      paragraph(words.closing),
    ],
  };
}

/** The mail that carries a one-time code; it says nothing about whether anything is known of the reader. */
export function composeCode(
  code: string,
  expiresAt: string,
  words: AnswerWords = english,
): { subject: string; text: string } {
  const text = [words.greeting, words.code(code, expiresAt), words.codeNotYou].join('\n\n');
  return { subject: words.subject.code, text: `${text}\n` };
}

function subjectOf({ kind, type }: AnswerFacts, { subject, right }: AnswerWords): string {
  switch (kind) {
    case 'acknowledgement':
      return subject.acknowledgement(right[type]);
    case 'identity-question':
      return subject.identity(right[type]);
    case 'extension':
      return subject.extension(right[type]);
    case 'refusal':
      return subject.refusal(right[type]);
    case 'partial-refusal':
      return subject.partial(right[type]);
    case 'completion':
      return subject.completion(right[type]);
    case 'withdrawn':
      return subject.withdrawn(right[type]);
  }
}

function bodyOf(facts: AnswerFacts, words: AnswerWords): Block[] {
  switch (facts.kind) {
    case 'acknowledgement':
      return [
        paragraph(words.received(words.right[facts.type], facts.receivedOn, facts.dueOn)),
        paragraph(words.acknowledged),
      ];
    case 'identity-question':
      return [
        paragraph(words.received(words.right[facts.type], facts.receivedOn, facts.dueOn)),
        paragraph(words.identityNeeded),
        paragraph(words.identityHow),
      ];
    case 'extension':
      return extension(facts, words);
    case 'refusal':
      return refusal(facts, words);
    case 'partial-refusal':
    case 'completion':
      return result(facts, words);
    case 'withdrawn':
      return facts.alreadyDone === true
        ? [paragraph(words.withdrawn), paragraph(words.withdrawnAlready), ...table(facts.rows, words)]
        : [paragraph(words.withdrawn)];
  }
}

function extension({ extension: given, dueOn }: AnswerFacts, words: AnswerWords): Block[] {
  const code = given?.reason ?? '';
  return [paragraph(words.extended(words.extensionReason[code] ?? code, given?.dueOn ?? dueOn))];
}

function refusal({ type, resolution, reason }: AnswerFacts, words: AnswerWords): Block[] {
  if (resolution === 'cannot-identify') return [paragraph(words.cannotIdentify)];
  if (resolution === 'forwarded') return [paragraph(words.forwarded)];
  return [
    paragraph(words.refused(words.right[type])),
    ...(reason === undefined ? [] : [paragraph(words.refusedBecause(reason))]),
  ];
}

function result(facts: AnswerFacts, words: AnswerWords): Block[] {
  const done = facts.rows.filter((row) => GONE.includes(row.kind));
  const kept = facts.rows.filter((row) => KEPT.includes(row.kind));
  const open = facts.rows.filter((row) => !GONE.includes(row.kind) && !KEPT.includes(row.kind));
  return [
    ...opening(facts, open.length > 0, words),
    ...section(words.doneHeading, table(done, words)),
    ...section(words.keptHeading, [...table(kept, words), ...lines(kept.length, words.keptMeaning)]),
    ...section(words.openHeading, table(open, words)),
    ...section(words.manualHeading, list(facts.manual.map((one) => words.manual(one.name, one.outcome, one.why)))),
    ...(facts.type === 'erasure' ? afterErasure(facts, words) : []),
  ];
}

function opening(facts: AnswerFacts, someOpen: boolean, words: AnswerWords): Block[] {
  if (facts.type === 'objection' || facts.type === 'withdrawal')
    return [paragraph(words.stopped), ...suppression(facts, words)];
  const undone = lines(Number(someOpen), words.notAll);
  if (facts.type === 'access') return [...undone, ...collecting(facts, words)];
  if (someOpen) return undone;
  return [paragraph(facts.kind === 'completion' ? words.erasedAll : words.erasedPart)];
}

function collecting({ package: built }: AnswerFacts, words: AnswerWords): Block[] {
  if (!built) return [];
  return [words.packageReady(built.expiresAt), words.packageHow, words.packageContents].map(paragraph);
}

/** Article 19, copies that outlive the erasure, and the mark that keeps old data away. */
function afterErasure(facts: AnswerFacts, words: AnswerWords): Block[] {
  const recipients = facts.recipients.map((one) => words.recipient(one.name, one.legalEntity, one.country, one.told));
  const copies = [...new Set(facts.copies.map((one) => words.copy(one.system, one.layer, one.until)))];
  return [
    ...section(words.recipientsHeading, list(recipients)),
    ...section(words.copiesHeading, [...list(copies), ...lines(copies.length, words.copiesMeaning)]),
    ...suppression(facts, words),
  ];
}

/** The mark that keeps old data away is told, since it is personal data too. */
function suppression({ suppressedUntil: until }: AnswerFacts, words: AnswerWords): Block[] {
  return until === undefined ? [] : [paragraph(words.suppressed(until))];
}

function table(rows: readonly DatasetRow[], words: AnswerWords): Block[] {
  if (rows.length === 0) return [];
  const { column } = words;
  const shown = rows
    .slice(0, MAX_ROWS)
    .map((row) => [
      row.system,
      row.title,
      words.outcome[row.kind],
      row.count === 0 ? '' : String(row.count),
      whyOf(row, words),
      KEPT.includes(row.kind) ? (row.until ?? words.untilUnknown) : '',
    ]);
  const columns = [column.system, column.data, column.what, column.count, column.why, column.until];
  const rest = rows.length - shown.length;
  return [{ kind: 'table', columns, rows: shown }, ...lines(rest, words.more(rest))];
}

function whyOf({ reason, citation }: DatasetRow, words: AnswerWords): string {
  const text = reason === undefined ? '' : (words.reason[reason] ?? reason);
  return citation === undefined ? text : `${text}${text === '' ? '' : ', '}${citation}`;
}

/** Every refusal, whole or in part, names complaint and court (GDPR 12(4)); a completion may as well. */
function isRefusing({ kind, resolution }: AnswerFacts): boolean {
  return kind === 'refusal' || kind === 'partial-refusal' || kind === 'completion' || resolution === 'refused';
}

function remedies(facts: AnswerFacts, words: AnswerWords): Block[] {
  const said = facts.remedies.flatMap(({ complaint, court, authority }) => [
    complaint,
    ...(authority ? [words.authority(authority.name, authority.website)] : []),
    court,
  ]);
  return section(words.remedyHeading, list(said));
}

function section(heading: string, blocks: Block[]): Block[] {
  return blocks.length === 0 ? [] : [{ kind: 'heading', text: heading }, ...blocks];
}

function list(items: string[]): Block[] {
  return items.length === 0 ? [] : [{ kind: 'list', items }];
}

function lines(when: number, text: string): Block[] {
  return when > 0 ? [paragraph(text)] : [];
}

function paragraph(text: string): Block {
  return { kind: 'paragraph', text };
}
