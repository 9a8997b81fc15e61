/** Promises about looking: whose rows are found, whose are not, and that nothing is written. */
import { expect } from '@jest/globals';
import type { Target } from '@lethe/plugin-sdk';
import { ADA, FAMILY, phone, shopMap } from './conformance-shop.js';
import {
  ADAS,
  RULE,
  ada,
  collect,
  person,
  refs,
  residues,
  targetsOf,
  type ConnectorPromise,
} from './conformance-system.js';

const HOSTILE = ["a'or'1'='1", '%', '_', "'; DROP TABLE customers; --", '\u0000', 'ada@example.test\u0000', '\ud800', 'é'.repeat(5000), '0', '', ' ', '1e0', '01', '٣', '99999999999999999999', '$1', '\\']; // prettier-ignore

export const searchPromises: ConnectorPromise[] = [
  [
    'finds the rows of the person and of nobody else',
    async (shop) => {
      const located = await shop.locate(ada);
      expect(refs(located)).toEqual(ADAS);
      expect(located.filter((row) => row.blockedBy)).toEqual([]);
      expect(located.find((row) => row.ref === '10')?.sharedWith).toBe('others');
      expect(located.find((row) => row.ref === '400')?.sharedWith).toBe('others');
      expect(located.find((row) => row.ref === '200')?.startsOn).toBe('2024-03-02');
      const row = located.find((entry) => entry.dataset === 'customers');
      expect(row?.found).toContainEqual({ type: 'phone', value: '+4930100', strength: 'candidate' });
      expect(row?.found).toContainEqual({ type: 'shop-customer-id', value: '1', strength: 'identifying' });
    },
  ],
  [
    'learns the account number from the person’s own row, so that a gift order of somebody else stays out',
    async (shop) => {
      expect(refs(await shop.locate(person(['email', ADA.email])))).toEqual(ADAS);
    },
  ],
  [
    'writes nothing while it looks',
    async (shop) => {
      const before = await shop.system.fingerprint();
      const located = await shop.locate(ada);
      await collect(shop.connector.read(shop.context(), [ada], located));
      await shop.verify(targetsOf(located));
      await collect(shop.connector.datasets(shop.context()));
      await collect(shop.connector.horizon(shop.context()));
      if (shop.connector.scan)
        await collect(
          shop.connector.scan(shop.context(), {
            ruleId: RULE,
            dataset: 'orders',
            before: '2020-01-01',
            action: 'erase',
          }),
        );
      expect(await shop.connector.check(shop.context())).toMatchObject({ ok: true });
      expect(await shop.system.fingerprint()).toBe(before);
      // Control: the same measure sees a write.
      await shop.apply(targetsOf(located));
      expect(await shop.system.fingerprint()).not.toBe(before);
    },
  ],
  [
    'blocks what hangs from an e-mail of two people, unless an account number tells them apart',
    async (shop) => {
      const both = await shop.locate(person(['email', FAMILY]));
      expect(refs(both)).toEqual([]);
      expect(refs(both, 'ambiguous-identifier')).toEqual([
        'customers/3',
        'customers/4',
        'order-lines/1005',
        'order-lines/1006',
        'orders/106',
        'orders/107',
        'orders/108',
      ]);
      const item = person(['email', FAMILY], ['shop-customer-id', '3']);
      const one = await shop.locate(item);
      expect(refs(one)).toEqual(['customers/3', 'households/11', 'order-lines/1006', 'orders/106']);
      expect(refs(one, 'ambiguous-identifier')).toEqual(['order-lines/1005', 'orders/108']);
      const forced = both.map((row): Target => ({ ...row, action: 'erase' }));
      expect(
        await shop.changed(async () =>
          expect(new Set((await shop.apply(forced, person(['email', FAMILY]))).map((entry) => entry.kind))).toEqual(
            new Set(['failed']),
          ),
        ),
      ).toEqual([]);
      // After customer 3 is gone the value leads to one row only; it is still not hers.
      const targets = targetsOf(one);
      await shop.apply(targets, item);
      expect(residues(await shop.verify(targets, item))).toEqual([]);
    },
  ],
  [
    'shows what only a candidate leads to, and never touches it',
    async (shop) => {
      const item = person(['phone', ADA.phone]);
      const located = await shop.locate(item);
      expect(refs(located)).toEqual([]);
      expect(refs(located, 'candidate-only')).toEqual(['calls/500', 'customers/1', 'customers/2']);
      expect(located.flatMap((row) => row.found ?? []).every((found) => found.strength === 'candidate')).toBe(true);
      const forced = located.map((row): Target => ({ ...row, action: 'erase' }));
      expect(await shop.changed(() => shop.apply(forced, item))).toEqual([]);
      // Known by her number, the twin with the same telephone is out of sight.
      expect(
        refs(await shop.locate(person(['phone', ADA.phone], ['shop-customer-id', '1'])), 'candidate-only'),
      ).toEqual(['calls/500']);
    },
  ],
  [
    'finds a telephone number in each spelling of it, and shows one that names no country unless the map names it',
    async (shop) => {
      const numbers = ['0049 30 100', '+49 (0)30 100', '030 100', '30100', '4930100', '+43 30 100', '0043 30 100'];
      for (const [index, number] of numbers.entries())
        await shop.system.sql(`INSERT INTO calls VALUES (${510 + index}, '${number}', NULL)`);
      const calls = { ...shopMap.datasets.at(-1)!, match: [{ ...phone, strength: 'identifying' }] };
      const found = async (asked: string, more: object = {}): Promise<string[]> => {
        const map = { datasets: [calls], ...more };
        const located = await collect(shop.connector.locate(shop.context(map), [person(['phone', asked])]));
        return located.map(({ ref, blockedBy }) => (blockedBy ? `${ref} ${blockedBy}` : ref)).sort();
      };
      const doubtful = ['512 candidate-only', '513 candidate-only'];
      expect(await found('+4930100')).toEqual(['500', '510', '511', ...doubtful, '514 candidate-only']);
      expect(await found('+4330100')).toEqual([...doubtful, '515', '516']);
      const german = { nationalPhones: { callingCode: '49' } };
      expect(await found('+4930100', german)).toEqual(['500', '510', '511', '512', '513 candidate-only', '514']);
      expect(await found('+4330100', german)).toEqual(['515', '516']);
    },
  ],
  [
    'treats placeholders as nobody',
    async (shop) => {
      expect(await shop.locate(person(['shop-customer-id', '0'], ['email', ''], ['phone', ' ']))).toEqual([]);
    },
  ],
  [
    'finds nobody for hostile values, and leaks none',
    async (shop) => {
      const seen: string[] = [];
      const all = await shop.changed(async () => {
        for (const value of HOSTILE) {
          const item = person(['email', value], ['shop-customer-id', value]);
          const target: Target = { itemKey: item.itemKey, dataset: 'customers', ref: value, count: 1, action: 'erase' };
          seen.push(...refs(await shop.locate(item)), ...residues(await shop.verify([], item)));
          seen.push(
            ...(await shop.apply([target], item))
              .filter((outcome) => outcome.kind !== 'not-found')
              .map((outcome) => outcome.kind),
          );
        }
      });
      expect([all, seen]).toEqual([[], []]);
    },
  ],
  [
    'hands out the person’s records without others’ values',
    async (shop) => {
      const records = await collect(shop.connector.read(shop.context(), [ada], await shop.locate(ada)));
      expect(records.map((record) => `${record.dataset}/${record.ref}`).sort()).toEqual(ADAS);
      expect(records.find((record) => record.ref === '100')?.fields).toMatchObject({
        id: 100,
        total: '10.50',
        placed_on: '2015-03-01',
      });
      expect(records.find((record) => record.ref === '400')?.fields).toEqual({ id: 400, sender_id: 1, body: 'hello' });
      const foreign = [{ itemKey: ada.itemKey, dataset: 'customers', ref: '2', count: 1 }];
      expect(await collect(shop.connector.read(shop.context(), [ada], foreign))).toEqual([]);
      // Shown to an officer is not handed to whoever shares the telephone.
      const caller = person(['phone', ADA.phone]);
      expect(await collect(shop.connector.read(shop.context(), [caller], await shop.locate(caller)))).toEqual([]);
    },
  ],
  [
    'notices a changed table',
    async (shop) => {
      const hash = async (): Promise<string | undefined> =>
        (await collect(shop.connector.datasets(shop.context()))).find((entry) => entry.name === 'calls')?.schemaHash;
      const before = await hash();
      expect(await hash()).toBe(before);
      await shop.system.sql('ALTER TABLE calls ADD COLUMN recording varchar(20)');
      expect(await hash()).not.toBe(before);
      await shop.system.sql('DROP TABLE calls');
      expect(await shop.connector.check(shop.context())).toMatchObject({
        ok: false,
        error: { class: 'config', code: 'table-missing' },
      });
    },
  ],
];
