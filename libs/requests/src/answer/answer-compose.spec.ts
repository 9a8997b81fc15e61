/** What every answer must contain, and that no value of a connected system becomes markup. */
import { describe, expect, it } from '@jest/globals';
import { composeAnswer, composeCode, wordsFor } from './answer-compose.js';
import type { AnswerFacts } from './answer-facts.js';
import { renderHtml, renderText } from './answer-letter.js';
import type { DatasetRow } from './answer-outcomes.js';
import { tellsNothing, answerIdOf } from './answer-writer.js';
import type { AnswerKind } from '../request.js';
import type { RequestState } from '../request-state.js';
import type { TenantId } from '#kernel';

const row = (over: Partial<DatasetRow> = {}): DatasetRow => ({
  ...{ connectionId: 'c1', system: 'Shop', dataset: 'customers', title: 'Customers', kind: 'erased', count: 1 },
  ...over,
});
const invoices = row({
  ...{ dataset: 'invoices', title: 'Invoices', kind: 'retained', count: 2, reason: 'legal-duty' },
  ...{ citation: 'UStG § 14b', until: '2032-12-31' },
});

function facts(over: Partial<AnswerFacts> = {}): AnswerFacts {
  return {
    ...{ kind: 'completion', type: 'erasure', resolution: 'fulfilled', requestId: 'r-1', controller: 'Test shop' },
    ...{ today: '2026-11-20', receivedOn: '2026-11-02', dueOn: '2026-12-02' },
    rows: [row()],
    recipients: [],
    manual: [],
    copies: [],
    remedies: [
      {
        regime: 'eu-gdpr',
        complaint: 'You may complain to an authority.',
        court: 'You may go to court.',
        authority: { name: 'Berlin Authority', website: 'https://authority.example.test' },
      },
    ],
    ...over,
  };
}

const textOf = (over: Partial<AnswerFacts>): string => renderText(composeAnswer(facts(over)));

describe('an answer', () => {
  it('of a partial refusal names what stays, why, by which rule, until when, and how to disagree (GDPR 12(4))', () => {
    const text = textOf({
      ...{ kind: 'partial-refusal', resolution: 'fulfilled-with-retention', rows: [row(), invoices] },
      recipients: [{ name: 'CRM', legalEntity: 'Crm Ltd', country: 'IE', told: 'connected' }],
      copies: [{ system: 'Shop', layer: 'backup', until: '2026-12-20' }],
      manual: [{ name: 'Paper', outcome: 'nothing-found', why: 'paper' }],
      suppressedUntil: '2027-12-01',
    });
    for (const words of [
      ...['Reference: r-1', 'a law requires us to keep it, UStG § 14b', 'Until: 2032-12-31', 'Records: 2'],
      ...['CRM (Crm Ltd, IE): the erasure was carried out there directly', 'Shop: backups, until 2026-12-20'],
      ...['Paper: searched by hand, nothing found', 'unreadable mark of your identifiers until 2027-12-01'],
      ...['You may complain to an authority.', 'Berlin Authority, https://authority.example.test'],
      ...['You may go to court.', 'partial refusal'],
    ])
      expect(text).toContain(words);
    expect(text).not.toContain('erased in every system');
  });

  it('says that all is erased only when nothing stayed and nothing is open', () => {
    expect(textOf({})).toContain('erased in every system we searched');
    const open = textOf({
      kind: 'partial-refusal',
      rows: [row(), row({ kind: 'refused-by-system', reason: 'refused-by-system' })],
    });
    expect(open).toContain('We could not do everything you asked');
    expect(open).toContain('What was not done');
    expect(open).not.toContain('erased in every system');
  });

  it('of an access request says where the package is and until when, and holds no data itself', () => {
    const text = textOf({
      type: 'access',
      rows: [row({ kind: 'provided' })],
      package: { expiresAt: '2026-11-27T09:00:00Z' },
    });
    expect(text).toContain('can be collected until 2026-11-27');
    expect(text).toContain('copied into your package');
    expect(text).not.toContain('Copies that outlive');
  });

  it('of an access request that was met in part says what is missing and why, and where the rest is', () => {
    const text = textOf({
      ...{ kind: 'partial-refusal', type: 'access', resolution: 'refused' },
      rows: [row({ kind: 'provided' }), row({ system: 'Till', kind: 'failed', count: 0, reason: 'accepted-undone' })],
      package: { expiresAt: '2026-11-27T09:00:00Z' },
    });
    for (const words of ['could not do everything', 'Till', 'could not be done', 'can be collected until 2026-11-27'])
      expect(text).toContain(words);
    expect(text).toContain('You may go to court.');
  });

  it('of an extension names reason and new day', () => {
    const text = textOf({ kind: 'extension', extension: { reason: 'complexity', dueOn: '2027-02-02' } });
    expect(text).toContain('because your request is complex');
    expect(text).toContain('2027-02-02');
  });

  it('of a refusal names the reason and the remedies; of an unknown person it tells nothing', () => {
    const text = textOf({
      kind: 'refusal',
      resolution: 'refused',
      reason: 'the data are needed for claims.',
      rows: [],
    });
    expect(text).toContain('The reason: the data are needed for claims.');
    expect(text).toContain('You may go to court.');
    expect(textOf({ kind: 'refusal', resolution: 'cannot-identify', rows: [] })).toContain('could not make sure');
  });

  it.each(['acknowledgement', 'identity-question', 'withdrawn'] satisfies AnswerKind[])(
    'of kind %s has words',
    (kind) => {
      const letter = composeAnswer(facts({ kind }));
      expect(letter.blocks.length).toBeGreaterThan(3);
      expect(letter.subject).not.toBe('');
    },
  );

  it('is a page without markup of others', () => {
    const evil = '<script>alert(1)</script>"><img src=x onerror=alert(2)>';
    const html = renderHtml(composeAnswer(facts({ controller: evil, rows: [row({ system: evil, title: evil })] })));
    expect(html).not.toMatch(/<script|<img/i);
    expect(html).toContain('&#60;script&#62;');
    expect(html).toContain(`default-src 'none'`);
  });

  it('stays below the size of a leaf however many datasets there are', () => {
    const rows = Array.from({ length: 2000 }, (_, at) => row({ title: `A dataset with a long title ${at}` }));
    const letter = composeAnswer(facts({ rows }));
    expect(JSON.stringify(letter).length).toBeLessThan(40_000);
    expect(renderText(letter)).toContain('and 1850 more rows');
  });

  it('falls back to English for a language there is no translation for', () => {
    expect(wordsFor('en-GB').language).toBe('en');
    expect(wordsFor('da').language).toBe('en');
    expect(composeCode('123456', '2026-11-02T10:00Z').text).toContain('123456');
  });
});

describe('a claimed mailbox', () => {
  const state = (over: Partial<RequestState>): RequestState =>
    ({ type: 'erasure', steps: [], ...over }) as unknown as RequestState;

  it('never hears what is known of a person', () => {
    for (const kind of ['completion', 'partial-refusal'] satisfies AnswerKind[])
      expect(tellsNothing(state({ type: 'access' }), kind)).toBe(false);
    expect(tellsNothing(state({ resolution: 'refused' }), 'refusal')).toBe(false);
  });

  it('hears receipts, questions, and that an objection was done', () => {
    for (const kind of ['acknowledgement', 'identity-question', 'extension'] satisfies AnswerKind[])
      expect(tellsNothing(state({}), kind)).toBe(true);
    expect(tellsNothing(state({ type: 'objection' }), 'completion')).toBe(true);
    expect(tellsNothing(state({ resolution: 'cannot-identify' }), 'refusal')).toBe(true);
  });
});

describe('the id of an answer', () => {
  it('is the same for the same key, and of no other key or tenant', () => {
    const one = answerIdOf('t1' as TenantId, 'r/1');
    expect(answerIdOf('t1' as TenantId, 'r/1')).toBe(one);
    expect(answerIdOf('t2' as TenantId, 'r/1')).not.toBe(one);
    expect(answerIdOf('t1' as TenantId, 'r/2')).not.toBe(one);
    expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
