/** Promises about changing: each row once, nobody else's row, and what is left is seen. */
import { expect } from '@jest/globals';
import { ConnectorError, type Outcome, type Target } from '@lethe/plugin-sdk';
import { snapshot } from './conformance-shop.js';
import {
  ERASURE,
  RULE,
  ada,
  collect,
  kinds,
  person,
  residues,
  targetsOf,
  type ConnectorPromise,
} from './conformance-system.js';

const ADAS_OUTCOMES = [
  'customers/1 erased', 'households/10 detached nothing-to-change', 'invoices/200 retained', 'messages/400 detached', 'messages/401 detached',
  'order-lines/1000 erased', 'order-lines/1001 erased', 'order-lines/1002 erased', 'orders/100 erased', 'orders/101 erased', 'orders/102 erased',
  'reviews/300 anonymised',
]; // prettier-ignore

const ADAS_CHANGES = [
  '-customers/1', '-order_lines/1000', '-order_lines/1001', '-order_lines/1002', '-orders/100', '-orders/101', '-orders/102',
  '~invoices/200', '~messages/400', '~messages/401', '~reviews/300',
]; // prettier-ignore

const OF_OTHERS = ['to fada@example.test', 'x.ada@example.test', 'ada@example.test.example', 'ada@example.testing'];
const OF_ADA = [
  'Ada <ADA@example.test>',
  'fada@example.test, then ada@example.test.',
  '-ada@example.test',
  '{"mail":"ada@example.test"}',
  '{"note":"call\\nada@example.test"}',
];

export const changePromises: ConnectorPromise[] = [
  [
    'erases once, and a repeat changes nothing',
    async (shop) => {
      const targets = targetsOf(await shop.locate(ada));
      let outcomes: Outcome[] = [];
      expect(await shop.changed(async () => (outcomes = await shop.apply(targets)))).toEqual(ADAS_CHANGES);
      expect(kinds(outcomes)).toEqual(ADAS_OUTCOMES);
      expect(outcomes.map((entry) => entry.ref)).toEqual(targets.map((target) => target.ref));
      expect(outcomes.find((entry) => entry.kind === 'retained')).toMatchObject({
        ruleId: RULE,
        stripped: ['email', 'birthday'],
      });
      let again: Outcome[] = [];
      expect(await shop.changed(async () => (again = await shop.apply(targets)))).toEqual([]);
      expect(kinds(again)).toEqual([
        'customers/1 not-found', 'households/10 not-found changed-hands', 'invoices/200 retained confirmed-on-retry', 'messages/400 detached confirmed-on-retry',
        'messages/401 detached confirmed-on-retry', 'order-lines/1000 not-found', 'order-lines/1001 not-found', 'order-lines/1002 not-found',
        'orders/100 not-found', 'orders/101 not-found', 'orders/102 not-found', 'reviews/300 anonymised confirmed-on-retry',
      ]); // prettier-ignore
      if (shop.system.changes) {
        const counted = await shop.system.changes();
        expect(counted.length).toBe(ADAS_CHANGES.length);
        expect(new Set(counted).size).toBe(counted.length);
      }
      const [message] = await shop.system.sql('SELECT * FROM messages WHERE id = 400');
      expect(message).toMatchObject({ sender_id: null, recipient_id: 5, body: 'hello' });
    },
  ],
  [
    'reads again after an erasure, and sees what is left',
    async (shop) => {
      const targets = targetsOf(await shop.locate(ada));
      expect(residues(await shop.verify(targets)).length).toBeGreaterThan(targets.length);
      await shop.apply(targets);
      expect(residues(await shop.verify(targets))).toEqual([]);
      await shop.system.sql(`INSERT INTO customers VALUES (1, 'Ada Field', 'ada@example.test', NULL, NULL)`);
      await shop.system.sql(`UPDATE calls SET note = 'mail to ADA@example.test please' WHERE id = 501`);
      await shop.system.sql(`UPDATE invoices SET birthday = DATE '1990-01-01' WHERE id = 200`);
      expect(residues(await shop.verify(targets))).toEqual(
        ['calls/501 scan note', 'customers/1 identifier', 'invoices/200 reference birthday'].sort(),
      );
    },
  ],
  [
    "takes nobody else's longer address for a residue",
    async (shop) => {
      const targets = targetsOf(await shop.locate(ada));
      await shop.apply(targets);
      const note = async (words: string): Promise<string[]> => {
        await shop.system.sql(`UPDATE calls SET note = '${words}' WHERE id = 501`);
        return residues(await shop.verify(targets));
      };
      for (const words of OF_OTHERS) expect([words, await note(words)]).toEqual([words, []]);
      for (const words of OF_ADA) expect([words, await note(words)]).toEqual([words, ['calls/501 scan note']]);
    },
  ],
  [
    'leaves a row alone that changed hands',
    async (shop) => {
      const targets = targetsOf(await shop.locate(ada));
      await shop.system.sql(`UPDATE orders SET customer_id = 5, email = 'bob@example.test' WHERE id = 101`);
      await shop.system.sql(`UPDATE reviews SET customer_id = 5, author = 'Bob' WHERE id = 300`);
      const before = await snapshot(shop.system.sql);
      const outcomes = await shop.apply(targets);
      expect(kinds(outcomes)).toEqual(
        expect.arrayContaining(['orders/101 not-found changed-hands', 'reviews/300 not-found changed-hands']),
      );
      const after = await snapshot(shop.system.sql);
      for (const name of ['orders/101', 'reviews/300']) expect(after.get(name)).toBe(before.get(name));
    },
  ],
  [
    'rolls back when a key is not unique',
    async (shop) => {
      const map = {
        datasets: [
          {
            name: 'notes',
            table: 'orders',
            title: 'Notes',
            key: 'customer_id',
            match: [{ column: 'email', identifier: 'email', strength: 'identifying' }],
            action: 'erase',
          },
        ],
      };
      const target: Target = { itemKey: ada.itemKey, dataset: 'notes', ref: '1', count: 1, action: 'erase' };
      const call = async (): Promise<unknown> =>
        collect(shop.connector.apply(shop.context(map), ERASURE, [ada], [target])).catch((error: unknown) => error);
      let thrown: unknown;
      expect(await shop.changed(async () => (thrown = await call()))).toEqual([]);
      expect(thrown).toBeInstanceOf(ConnectorError);
      expect((thrown as ConnectorError).fail).toEqual({ class: 'permanent', code: 'key-not-unique' });
    },
  ],
  [
    'carries out a retention rule by date only',
    async (shop) => {
      const rule = { ruleId: RULE, dataset: 'orders', before: '2016-01-01', action: 'erase' as const };
      const hits = shop.connector.scan ? await collect(shop.connector.scan(shop.context(), rule)) : [];
      expect(hits).toEqual([{ dataset: 'orders', ref: '100', startsOn: '2015-03-01' }, { dataset: 'orders', ref: '104', startsOn: '2015-01-01' }]); // prettier-ignore
      const targets = ['104', '101'].map((ref): Target => ({
        itemKey: 'item-1',
        dataset: 'orders',
        ref,
        count: 1,
        action: 'erase',
      }));
      let outcomes: Outcome[] = [];
      expect(
        await shop.changed(async () => (outcomes = await shop.apply(targets, person(), { kind: 'retention', rule }))),
      ).toEqual(['-orders/104']);
      expect(kinds(outcomes)).toEqual(['orders/101 not-found not-due', 'orders/104 erased']);
    },
  ],
];
