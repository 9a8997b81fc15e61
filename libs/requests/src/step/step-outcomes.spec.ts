/** What of a connector's own words is recorded: codes and names of fields, and nothing that could be a sentence. */
import { describe, expect, it } from '@jest/globals';
import { targetOutcomes } from './step-outcomes.js';

const target = { itemKey: 'item', dataset: 'sale.sale', ref: '7', count: 1, action: 'erase' as const };

function recordedNote(note: string): string | undefined {
  const outcome = { itemKey: 'item', dataset: 'sale.sale', ref: '7', count: 1, kind: 'anonymised' as const, note };
  return targetOutcomes(outcome, new Map([[0, target]]))[0]?.note;
}

describe('a note of a connector', () => {
  it.each(['changed-hands', 'kept-by-tryton:description', 'kept-by-tryton:party_name.reference'])(
    'is recorded when it is a code, with the field it is about: %s',
    (note) => expect(recordedNote(note)).toBe(note),
  );

  it.each([
    'kept-by-tryton: description',
    'Kept for Ada Lovelace',
    'kept:ada@example.test',
    'kept:a:b',
    'kept:',
    ':description',
    'kept_by_tryton',
    `kept:${'a'.repeat(121)}`,
    'kept\n',
  ])('is unstated in any other form: %j', (note) => expect(recordedNote(note)).toBe('unstated'));
});
