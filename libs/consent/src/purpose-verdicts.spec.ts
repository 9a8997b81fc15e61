/** What was promised is read once for what is cached, only where it can matter, and its outage is no permission. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { TenantId } from '#kernel';
import type { People, Suppressions, SuppressionMark } from '#subjects';
import type { ConsentRecord } from './consent.js';
import type { ConsentRecords, PersonRecords } from './consent-records.js';
import { PurposeVerdicts } from './purpose-verdicts.js';
import type { Purpose } from './purpose.js';

const tenant = '01900000-0000-7000-8000-000000000001' as TenantId;
const moment = { now: '2026-11-02T09:00:00.000Z' };
const purpose = (legalBasis: Purpose['legalBasis'], model: Purpose['model'] = 'opt-in'): Purpose => ({
  ...{ id: 'p', name: 'p', legalBasis, model },
});
const mark: SuppressionMark = {
  scope: { kind: 'purpose', id: 'p' },
  before: new Date('2026-10-01T00:00:00Z'),
  until: new Date('2036-10-01T00:00:00Z'),
};
const yes = (collectedAt: string, recordedAt: string): ConsentRecord => ({
  ...{ id: 'c', purpose: 'p', decision: 'given', channel: null, collectedAt, recordedAt, position: 1, imported: true },
  ...{ expiresAt: null, notice: { id: 'n', version: '1' } },
});
const person = (...records: ConsentRecord[]): PersonRecords => ({
  ...{ restricted: false, everRestricted: false, erased: false, aliases: ['a', 'b'] as never, records },
});
const prompt = yes('2026-10-20T08:00:00.000Z', '2026-10-20T08:00:01.000Z');
const late = yes('2026-05-01T00:00:00.000Z', '2026-10-20T08:00:00.000Z');

describe('what was promised to a person who came back', () => {
  let reads: string[];
  let broken: boolean;
  let verdicts: PurposeVerdicts;
  const ask = async (whose: PersonRecords, about: Purpose): Promise<string> => {
    const { decision, reason } = await verdicts.of(tenant, whose, about, undefined, moment);
    return `${decision} ${reason}`;
  };

  beforeEach(() => {
    reads = [];
    broken = false;
    verdicts = new PurposeVerdicts(
      { restrictedAt: () => Promise.resolve(false) } as unknown as ConsentRecords,
      {
        identifiersOf: (_: TenantId, alias: string) => {
          reads.push(alias);
          return Promise.resolve([{ type: 'email', value: `${alias}@example.test`, addedAt: new Date() }]);
        },
      } as unknown as People,
      {
        marksOn: (_: TenantId, known: object[]) => {
          reads.push(`${known.length} identifiers`);
          return broken ? Promise.reject(new Error('cut')) : Promise.resolve([mark]);
        },
      } as unknown as Suppressions,
    );
  });

  it('is read once for everything she is known by, and anew when her decisions are', async () => {
    const cached = person();
    const interest = purpose('legitimate-interest');
    for (const expected of [3, 3, 3]) {
      expect(await ask(cached, interest)).toBe('deny suppressed');
      expect(reads).toHaveLength(expected);
    }
    expect(reads).toEqual(['a', 'b', '2 identifiers']);
    expect(await ask(person(), interest)).toBe('deny suppressed');
    expect(reads).toHaveLength(6);
  });

  it('is not asked where no promise can matter', async () => {
    expect(await ask(person(), purpose('contract'))).toBe('permit contract');
    expect(await ask(person(prompt), purpose('consent'))).toBe('permit consent-given');
    expect(await ask(person(prompt), purpose('legitimate-interest'))).toBe('permit legitimate-interest');
    expect(await ask(person(), purpose('consent'))).toBe('deny never-asked');
    expect(reads).toEqual([]);
    expect(await ask(person(late), purpose('consent'))).toBe('deny suppressed');
    expect(await ask(person(), purpose('consent', 'opt-out'))).toBe('deny suppressed');
    expect(reads).toHaveLength(6);
  });

  it('is no permission while it cannot be read, and is asked again', async () => {
    const cached = person();
    broken = true;
    await expect(ask(cached, purpose('legitimate-interest'))).rejects.toThrow('cut');
    broken = false;
    expect(await ask(cached, purpose('legitimate-interest'))).toBe('deny suppressed');
  });
});
