/** The ids of rules in docs/rules.md are written from the rows of law that decide. */
import { describe, expect, it } from '@jest/globals';
import { DEADLINE_ROWS, DUTY_ROWS, exceptionsOf, groundsOf, refusalsOf, REGIMES, REQUEST_TYPES } from '#law';
import type { DeadlineRow, LegalRule } from '#law';
import { documented } from '../support/documented.js';

const PAGE = 'docs/rules.md';

/** A table of Markdown. */
const table = (columns: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  [columns, columns.map(() => '---'), ...rows].map(
    (cells) => `| ${cells.map((one) => one.replaceAll('|', '\\|')).join(' | ')} |`,
  );

/** For instance "1 month", "45 days". Nothing is at once. */
const WORDS = { month: 'month', year: 'year', calendarDay: 'day', businessDay: 'business day' } as const;
const lengthOf = ({ n, unit }: { n: number; unit: keyof typeof WORDS }): string =>
  n === 0 ? 'at once' : `${n} ${WORDS[unit]}${n === 1 ? '' : 's'}`;

/** A period, and how surely it was read where its row is surer or less sure. */
function period(row: DeadlineRow, part: 'act' | 'ack' | 'respond'): string {
  const found = row[part];
  if (!found) return '';
  return lengthOf(found) + (found.confidence === row.confidence ? '' : ` (${found.confidence})`);
}

function extension({ extend, confidence }: DeadlineRow): string {
  if (!extend) return 'none';
  return lengthOf(extend.total) + (extend.confidence === confidence ? '' : ` (${extend.confidence})`);
}

/** Every rule of every regime, once. */
function rules(): LegalRule[] {
  const all = REGIMES.flatMap((regime) => [
    ...groundsOf(regime),
    ...exceptionsOf(regime),
    ...REQUEST_TYPES.flatMap((type) => refusalsOf(regime, type)),
  ]);
  return [...new Map(all.map((rule) => [rule.ruleId, rule])).values()];
}

describe('the page of rules', () => {
  it('has every deadline', () => {
    const columns = ['id', 'from', 'acknowledge', 'act', 'answer', 'extended to', 'law', 'sure'];
    const rows = DEADLINE_ROWS.map((row) => [
      ...[`\`${row.id}\``, row.validFrom, period(row, 'ack'), period(row, 'act'), period(row, 'respond')],
      ...[extension(row), row.citation, row.confidence],
    ]);
    expect(documented(PAGE, 'deadlines', table(columns, rows))).toBe('');
  });

  it('has every ground, exception and refusal', () => {
    const columns = ['id', 'kind', 'rights', 'because', 'law', 'sure'];
    const rows = rules().map((rule) => [
      ...[`\`${rule.ruleId}\``, rule.kind, rule.rights.join(', '), rule.text, rule.citation, rule.confidence],
    ]);
    expect(rows.length).toBeGreaterThan(20);
    expect(documented(PAGE, 'rules', table(columns, rows))).toBe('');
  });

  it('has every duty', () => {
    const columns = ['id', 'where', 'record class', 'kept', 'from', 'law', 'sure', 'since', 'until'];
    const rows = DUTY_ROWS.map((row) => [
      ...[`\`${row.id}\``, row.country, `\`${row.recordClass}\``, lengthOf(row.period)],
      ...[row.startOf === 'year-end' ? 'end of the year' : 'its date', row.citation, row.confidence],
      ...[row.validFrom, row.validTo ?? ''],
    ]);
    expect(documented(PAGE, 'duties', table(columns, rows))).toBe('');
  });
});
