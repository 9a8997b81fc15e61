/** The suite each SQL connector must pass on its real system: nobody else's row, each row once, nothing written by a read. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ConnectorError,
  type Connector,
  type Ctx,
  type Item,
  type Located,
  type Op,
  type Outcome,
  type Target,
  type Verification,
} from '@lethe/plugin-sdk';
import { ADA, FAMILY, differences, plantShop, shopMap, snapshot, type RunSql } from './conformance-shop.js';

/** A real system with the planted shop in it. */
export interface ConformanceSystem {
  sql: RunSql;
  /** Call context whose configuration carries this table map. */
  context(tableMap: unknown): Ctx<unknown>;
  /** Runs after each planting: counting triggers, files beside the database. */
  planted?(): Promise<void>;
  /** Rows changed since planting, one line each (`customers/1 DELETE`), where the system can count them. */
  changes?(): Promise<string[]>;
  /** Equal before and after when nothing was written: a file hash, or the number of writing statements in the server's log. */
  fingerprint(): Promise<string>;
  stop(): Promise<void>;
}

const ERASURE: Op = { kind: 'erasure' };
const RULE = 'de-invoice-8y';

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

/** An item of verified identifiers. */
export function person(...ids: [type: string, value: string][]): Item {
  return { itemKey: 'item-1', generation: 0, ids: ids.map(([type, value]) => ({ type, value, strength: 'verified' })) };
}

const ada = person(['email', ADA.email], ['shop-customer-id', ADA.customer]);

function refs(located: Located[], blockedBy?: string): string[] {
  return located
    .filter((row) => row.blockedBy === blockedBy)
    .map((row) => `${row.dataset}/${row.ref}`)
    .sort();
}

function targetsOf(located: Located[]): Target[] {
  const action = (dataset: string): Target['action'] =>
    shopMap.datasets.find((entry) => entry.name === dataset)?.action as Target['action'];
  return located
    .filter((row) => row.blockedBy === undefined)
    .map((row) => ({ ...row, action: action(row.dataset), ruleId: RULE }));
}

function kinds(outcomes: Outcome[]): string[] {
  return outcomes
    .map((entry) => `${entry.dataset}/${entry.ref} ${entry.kind}${entry.note ? ` ${entry.note}` : ''}`)
    .sort();
}

function residues(verified: Verification[]): string[] {
  return verified
    .flatMap((entry) =>
      entry.kind === 'clean' ? [] : [`${entry.dataset}/${entry.ref} ${entry.by} ${entry.field ?? ''}`.trim()],
    )
    .sort();
}

const ADAS = [
  'customers/1', 'households/10', 'invoices/200', 'messages/400', 'messages/401', 'order-lines/1000', 'order-lines/1001', 'order-lines/1002',
  'orders/100', 'orders/101', 'orders/102', 'reviews/300',
]; // prettier-ignore

const ADAS_OUTCOMES = [
  'customers/1 erased', 'households/10 detached nothing-to-change', 'invoices/200 retained', 'messages/400 detached', 'messages/401 detached',
  'order-lines/1000 erased', 'order-lines/1001 erased', 'order-lines/1002 erased', 'orders/100 erased', 'orders/101 erased', 'orders/102 erased',
  'reviews/300 anonymised',
]; // prettier-ignore

const ADAS_CHANGES = [
  '-customers/1', '-order_lines/1000', '-order_lines/1001', '-order_lines/1002', '-orders/100', '-orders/101', '-orders/102',
  '~invoices/200', '~messages/400', '~messages/401', '~reviews/300',
]; // prettier-ignore

const HOSTILE = ["a'or'1'='1", '%', '_', "'; DROP TABLE customers; --", '\u0000', 'ada@example.test\u0000', '\ud800', 'é'.repeat(5000), '0', '', ' ', '1e0', '01', '٣', '99999999999999999999', '$1', '\\']; // prettier-ignore

/** Declares the suite for jest. */
export function describeConnector(
  name: string,
  connector: Connector<unknown>,
  setup: () => Promise<ConformanceSystem>,
): void {
  describe(name, () => {
    let system: ConformanceSystem;
    const x = (map: unknown = shopMap): Ctx<unknown> => system.context(map);
    const locate = (item: Item): Promise<Located[]> => collect(connector.locate(x(), [item]));
    const apply = (targets: Target[], item = ada, op = ERASURE): Promise<Outcome[]> =>
      collect(connector.apply(x(), op, [item], targets));
    const verify = (targets: Target[], item = ada): Promise<Verification[]> =>
      collect(connector.verify(x(), [item], targets));
    const changed = async (work: () => Promise<unknown>): Promise<string[]> => {
      const before = await snapshot(system.sql);
      await work();
      return differences(before, await snapshot(system.sql));
    };

    beforeAll(async () => {
      system = await setup();
    }, 60_000);
    afterAll(async () => system.stop());
    beforeEach(async () => {
      await plantShop(system.sql);
      await system.planted?.();
    });

    it('finds the rows of the person and of nobody else', async () => {
      const located = await locate(ada);
      expect(refs(located)).toEqual(ADAS);
      expect(located.filter((row) => row.blockedBy)).toEqual([]);
      expect(located.find((row) => row.ref === '10')?.sharedWith).toBe('others');
      expect(located.find((row) => row.ref === '400')?.sharedWith).toBe('others');
      expect(located.find((row) => row.ref === '200')?.startsOn).toBe('2024-03-02');
      const row = located.find((entry) => entry.dataset === 'customers');
      expect(row?.found).toContainEqual({ type: 'phone', value: '4930100', strength: 'candidate' });
      expect(row?.found).toContainEqual({ type: 'shop-customer-id', value: '1', strength: 'identifying' });
    });

    it('learns the account number from the person’s own row, so that a gift order of somebody else stays out', async () => {
      expect(refs(await locate(person(['email', ADA.email])))).toEqual(ADAS);
    });

    it('writes nothing while it looks', async () => {
      const before = await system.fingerprint();
      const located = await locate(ada);
      await collect(connector.read(x(), [ada], located));
      await verify(targetsOf(located));
      await collect(connector.datasets(x()));
      await collect(connector.horizon(x()));
      if (connector.scan)
        await collect(connector.scan(x(), { ruleId: RULE, dataset: 'orders', before: '2020-01-01', action: 'erase' }));
      expect(await connector.check(x())).toMatchObject({ ok: true });
      expect(await system.fingerprint()).toBe(before);
      // Control: the same measure sees a write.
      await apply(targetsOf(located));
      expect(await system.fingerprint()).not.toBe(before);
    });

    it('erases once, and a repeat changes nothing', async () => {
      const targets = targetsOf(await locate(ada));
      let outcomes: Outcome[] = [];
      expect(await changed(async () => (outcomes = await apply(targets)))).toEqual(ADAS_CHANGES);
      expect(kinds(outcomes)).toEqual(ADAS_OUTCOMES);
      expect(outcomes.map((entry) => entry.ref)).toEqual(targets.map((target) => target.ref));
      expect(outcomes.find((entry) => entry.kind === 'retained')).toMatchObject({
        ruleId: RULE,
        stripped: ['email', 'birthday'],
      });
      let again: Outcome[] = [];
      expect(await changed(async () => (again = await apply(targets)))).toEqual([]);
      expect(kinds(again)).toEqual([
        'customers/1 not-found', 'households/10 not-found changed-hands', 'invoices/200 retained confirmed-on-retry', 'messages/400 detached confirmed-on-retry',
        'messages/401 detached confirmed-on-retry', 'order-lines/1000 not-found', 'order-lines/1001 not-found', 'order-lines/1002 not-found',
        'orders/100 not-found', 'orders/101 not-found', 'orders/102 not-found', 'reviews/300 anonymised confirmed-on-retry',
      ]); // prettier-ignore
      if (system.changes) {
        const counted = await system.changes();
        expect(counted.length).toBe(ADAS_CHANGES.length);
        expect(new Set(counted).size).toBe(counted.length);
      }
      const [message] = await system.sql('SELECT * FROM messages WHERE id = 400');
      expect(message).toMatchObject({ sender_id: null, recipient_id: 5, body: 'hello' });
    });

    it('reads again after an erasure, and sees what is left', async () => {
      const targets = targetsOf(await locate(ada));
      expect(residues(await verify(targets)).length).toBeGreaterThan(targets.length);
      await apply(targets);
      expect(residues(await verify(targets))).toEqual([]);
      await system.sql(`INSERT INTO customers VALUES (1, 'Ada Field', 'ada@example.test', NULL, NULL)`);
      await system.sql(`UPDATE calls SET note = 'mail to ADA@example.test please' WHERE id = 501`);
      await system.sql(`UPDATE invoices SET birthday = DATE '1990-01-01' WHERE id = 200`);
      expect(residues(await verify(targets))).toEqual(
        ['calls/501 scan note', 'customers/1 identifier', 'invoices/200 reference birthday'].sort(),
      );
    });

    it('blocks what hangs from an e-mail of two people, unless an account number tells them apart', async () => {
      const both = await locate(person(['email', FAMILY]));
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
      const one = await locate(item);
      expect(refs(one)).toEqual(['customers/3', 'households/11', 'order-lines/1006', 'orders/106']);
      expect(refs(one, 'ambiguous-identifier')).toEqual(['order-lines/1005', 'orders/108']);
      const forced = both.map((row): Target => ({ ...row, action: 'erase' }));
      expect(
        await changed(async () =>
          expect(new Set((await apply(forced, person(['email', FAMILY]))).map((entry) => entry.kind))).toEqual(
            new Set(['failed']),
          ),
        ),
      ).toEqual([]);
      // After customer 3 is gone the value leads to one row only; it is still not hers.
      const targets = targetsOf(one);
      await apply(targets, item);
      expect(residues(await verify(targets, item))).toEqual([]);
    });

    it('shows what only a candidate leads to, and never touches it', async () => {
      const item = person(['phone', ADA.phone]);
      const located = await locate(item);
      expect(refs(located)).toEqual([]);
      expect(refs(located, 'candidate-only')).toEqual(['calls/500', 'customers/1', 'customers/2']);
      expect(located.flatMap((row) => row.found ?? []).every((found) => found.strength === 'candidate')).toBe(true);
      const forced = located.map((row): Target => ({ ...row, action: 'erase' }));
      expect(await changed(() => apply(forced, item))).toEqual([]);
      // Known by her number, the twin with the same telephone is out of sight.
      expect(refs(await locate(person(['phone', ADA.phone], ['shop-customer-id', '1'])), 'candidate-only')).toEqual([
        'calls/500',
      ]);
    });

    it('treats placeholders as nobody', async () => {
      expect(await locate(person(['shop-customer-id', '0'], ['email', ''], ['phone', ' ']))).toEqual([]);
    });

    it('leaves a row alone that changed hands', async () => {
      const targets = targetsOf(await locate(ada));
      await system.sql(`UPDATE orders SET customer_id = 5, email = 'bob@example.test' WHERE id = 101`);
      await system.sql(`UPDATE reviews SET customer_id = 5, author = 'Bob' WHERE id = 300`);
      const before = await snapshot(system.sql);
      const outcomes = await apply(targets);
      expect(kinds(outcomes)).toEqual(
        expect.arrayContaining(['orders/101 not-found changed-hands', 'reviews/300 not-found changed-hands']),
      );
      const after = await snapshot(system.sql);
      for (const name of ['orders/101', 'reviews/300']) expect(after.get(name)).toBe(before.get(name));
    });

    it('finds nobody for hostile values, and leaks none', async () => {
      const seen: string[] = [];
      const all = await changed(async () => {
        for (const value of HOSTILE) {
          const item = person(['email', value], ['shop-customer-id', value]);
          const target: Target = { itemKey: item.itemKey, dataset: 'customers', ref: value, count: 1, action: 'erase' };
          seen.push(...refs(await locate(item)), ...residues(await verify([], item)));
          seen.push(
            ...(await apply([target], item))
              .filter((outcome) => outcome.kind !== 'not-found')
              .map((outcome) => outcome.kind),
          );
        }
      });
      expect([all, seen]).toEqual([[], []]);
    });

    it('rolls back when a key is not unique', async () => {
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
        collect(connector.apply(x(map), ERASURE, [ada], [target])).catch((error: unknown) => error);
      let thrown: unknown;
      expect(await changed(async () => (thrown = await call()))).toEqual([]);
      expect(thrown).toBeInstanceOf(ConnectorError);
      expect((thrown as ConnectorError).fail).toEqual({ class: 'permanent', code: 'key-not-unique' });
    });

    it('hands out the person’s records without others’ values', async () => {
      const records = await collect(connector.read(x(), [ada], await locate(ada)));
      expect(records.map((record) => `${record.dataset}/${record.ref}`).sort()).toEqual(ADAS);
      expect(records.find((record) => record.ref === '100')?.fields).toMatchObject({
        id: 100,
        total: '10.50',
        placed_on: '2015-03-01',
      });
      expect(records.find((record) => record.ref === '400')?.fields).toEqual({ id: 400, sender_id: 1, body: 'hello' });
      const foreign = [{ itemKey: ada.itemKey, dataset: 'customers', ref: '2', count: 1 }];
      expect(await collect(connector.read(x(), [ada], foreign))).toEqual([]);
      // Shown to an officer is not handed to whoever shares the telephone.
      const caller = person(['phone', ADA.phone]);
      expect(await collect(connector.read(x(), [caller], await locate(caller)))).toEqual([]);
    });

    it('carries out a retention rule by date only', async () => {
      const rule = { ruleId: RULE, dataset: 'orders', before: '2016-01-01', action: 'erase' as const };
      const hits = connector.scan ? await collect(connector.scan(x(), rule)) : [];
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
        await changed(async () => (outcomes = await apply(targets, person(), { kind: 'retention', rule }))),
      ).toEqual(['-orders/104']);
      expect(kinds(outcomes)).toEqual(['orders/101 not-found not-due', 'orders/104 erased']);
    });

    it('notices a changed table', async () => {
      const hash = async (): Promise<string | undefined> =>
        (await collect(connector.datasets(x()))).find((entry) => entry.name === 'calls')?.schemaHash;
      const before = await hash();
      expect(await hash()).toBe(before);
      await system.sql('ALTER TABLE calls ADD COLUMN recording varchar(20)');
      expect(await hash()).not.toBe(before);
      await system.sql('DROP TABLE calls');
      expect(await connector.check(x())).toMatchObject({
        ok: false,
        error: { class: 'config', code: 'table-missing' },
      });
    });
  });
}
