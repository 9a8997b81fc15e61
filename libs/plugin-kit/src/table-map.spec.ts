/** What a table map may say, and what follows from it. */
import { describe, expect, it } from '@jest/globals';
import { ConnectorError } from '@lethe/plugin-sdk';
import { shopMap } from './conformance-shop.js';
import { comparable, fold, isPlaceholder } from './identifier-values.js';
import { carriersOf, dependencyOrder, parseTableMap } from './table-map.js';

const base = { name: 'a', table: 'a', title: 'A', key: 'id', action: 'erase' };

function codeOf(map: unknown): string {
  try {
    parseTableMap(map);
    return 'accepted';
  } catch (error) {
    return error instanceof ConnectorError ? error.fail.code : 'other error';
  }
}

describe('a table map', () => {
  it.each([
    [{ datasets: [base] }, 'accepted'],
    [{ datasets: [] }, 'table-map-invalid'],
    [{ datasets: [{ ...base, drop: true }] }, 'table-map-invalid'],
    [{ datasets: [base, base] }, 'dataset-repeated'],
    [
      { datasets: [{ ...base, refs: [{ column: 'b', to: { dataset: 'b', column: 'id' }, identifying: true }] }] },
      'reference-unknown',
    ],
    [{ datasets: [{ ...base, action: 'anonymise' }] }, 'anonymise-missing'],
    [{ datasets: [{ ...base, action: 'strip' }] }, 'strip-fields-missing'],
    [{ datasets: [{ ...base, action: 'detach' }] }, 'detach-missing'],
    [{ datasets: [{ ...base, action: 'strip', stripFields: ['id'] }] }, 'key-not-changeable'],
  ])('%j is %s', (map, code) => {
    expect(codeOf(map)).toBe(code);
  });

  it('deletes children before the rows they point at', () => {
    const order = dependencyOrder(parseTableMap(shopMap)).map((entry) => entry.name);
    for (const [child, parent] of [
      ['order-lines', 'orders'],
      ['orders', 'customers'],
      ['messages', 'customers'],
      ['customers', 'households'],
    ] as const)
      // prettier-ignore
      expect(order.indexOf(child)).toBeLessThan(order.indexOf(parent));
    expect(order).toHaveLength(shopMap.datasets.length);
  });

  it('lets a reference to an account number carry that number, but not one that does not identify', () => {
    const map = parseTableMap(shopMap);
    const orders = map.datasets.find((entry) => entry.name === 'orders');
    const types = orders ? carriersOf(map, orders).map((entry) => [entry.column, entry.type, entry.unique]) : [];
    expect(types).toEqual([
      ['email', 'email', false],
      ['customer_id', 'shop-customer-id', true],
    ]);
    const loose = orders ? { ...orders, refs: orders.refs.map((ref) => ({ ...ref, identifying: false })) } : undefined;
    expect(loose ? carriersOf(map, loose).map((entry) => entry.column) : []).toEqual(['email']);
  });
});

describe('a value', () => {
  const integer = { name: 'id', type: 'integer', family: 'integer' as const };
  const uuid = { name: 'id', type: 'uuid', family: 'uuid' as const };
  const text = { name: 'id', type: 'text', family: 'text' as const };

  it('is sent to a column only when the column can hold exactly it', () => {
    const sent = (value: string) => comparable(value, integer, 'none');
    expect(['7', '-7', '9223372036854775807'].flatMap(sent)).toEqual(['7', '-7', '9223372036854775807']);
    expect(['07', '7.0', '1e3', '٣', '9223372036854775808', '99999999999999999999', '', 'x'].flatMap(sent)).toEqual([]);
    expect(comparable('7', uuid, 'none')).toEqual([]);
    expect(['a\0', '\ud800'].flatMap((value) => comparable(value, text, 'none'))).toEqual([]);
  });

  it('is folded by its kind', () => {
    expect(fold('ÉVA@Example.test', 'lower')).toBe('éva@example.test');
    expect(fold('+49 (30) 100', 'digits')).toBe('4930100');
    expect(fold('Ab', 'none')).toBe('Ab');
  });

  it('leads to nobody when it is a placeholder', () => {
    expect(
      [null, undefined, '', ' ', '0', '00000000-0000-0000-0000-000000000000'].every((value) =>
        isPlaceholder(value, ['0']),
      ),
    ).toBe(true);
    expect(isPlaceholder('10', ['0'])).toBe(false);
  });
});
