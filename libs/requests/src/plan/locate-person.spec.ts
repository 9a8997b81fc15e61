/** The search for a person: to a fixed point over what certainly leads to them, and not one step further. */
import { describe, expect, it } from '@jest/globals';
import type { Identifier, Item, Located } from '../step/connected.js';
import { locatePerson, MAX_DEPTH, type ChainedIdentifier, type Searched } from './locate-person.js';

type Row = { ids: (Identifier & { strength?: 'identifying' | 'candidate' })[]; blockedBy?: string };

function system(connectionId: string, rows: Row[], except: string[] = []): Searched & { asked: Item[] } {
  const asked: Item[] = [];
  return {
    connectionId,
    except,
    asked,
    async *locate(items) {
      asked.push(...items);
      for (const [index, { ids, blockedBy }] of rows.entries()) {
        const hit = ids.some((id) => items[0]?.ids.some((one) => one.type === id.type && one.value === id.value));
        const found = ids.map(({ strength = 'identifying', ...id }) => ({ ...id, strength }));
        if (hit)
          yield {
            itemKey: 'k',
            dataset: 'd',
            ref: `${index}`,
            count: 1,
            found,
            ...(blockedBy ? { blockedBy } : {}),
          } satisfies Located;
      }
    },
  };
}

const id = (type: string, value: string): Identifier => ({ type, value });
const proven: ChainedIdentifier[] = [{ ...id('email', 'a'), strength: 'verified', edge: null }];
const search = (systems: Searched[]) => locatePerson(proven, systems, 'k', (one) => one);
const names = (found: { identifiers: Identifier[] }): string[] =>
  found.identifiers.map((one) => `${one.type}:${one.value}`);

describe('the search for a person', () => {
  it('goes back to a system when another one taught a new identifier, and keeps the chain', async () => {
    const shop = system('shop', [
      { ids: [id('email', 'a'), id('customer', '1')] },
      { ids: [id('loyalty', 'L'), id('phone', 'P')] },
    ]);
    const crm = system('crm', [{ ids: [id('customer', '1'), id('loyalty', 'L')] }]);
    const found = await search([shop, crm]);
    expect(names(found)).toEqual(['email:a', 'customer:1', 'loyalty:L', 'phone:P']);
    expect(found.identifiers.map((one) => one.edge?.connectionId ?? null)).toEqual([null, 'shop', 'crm', 'shop']);
    expect(found.records.get('shop')).toHaveLength(2);
    expect(found).toMatchObject({ silent: [], limits: [] });
  });

  it('shows a candidate and never follows it', async () => {
    const shop = system('shop', [
      { ids: [id('email', 'a'), { ...id('phone', 'P'), strength: 'candidate' }] },
      { ids: [id('phone', 'P'), id('customer', '2')] },
    ]);
    const found = await search([shop]);
    expect(names(found)).toEqual(['email:a']);
    expect(found.candidates).toEqual([{ ...id('phone', 'P'), connectionId: 'shop', dataset: 'd' }]);
    expect(shop.asked.flatMap((item) => item.ids.map((one) => one.type))).not.toContain('phone');
  });

  it('never follows what stands in a doubtful record', async () => {
    const found = await search([
      system('shop', [{ ids: [id('email', 'a'), id('customer', '9')], blockedBy: 'ambiguous-identifier' }]),
    ]);
    expect(names(found)).toEqual(['email:a']);
    expect(found.candidates).toHaveLength(1);
  });

  it('does not hand an excluded type to the system, nor takes it from there', async () => {
    const shop = system('shop', [{ ids: [id('email', 'a'), id('customer', '1')] }], ['email']);
    const found = await search([shop, system('crm', [{ ids: [id('email', 'a'), id('customer', '1')] }])]);
    expect(names(found)).toEqual(['email:a', 'customer:1']);
    expect(shop.asked.flatMap((item) => item.ids.map((one) => one.type))).not.toContain('email');
  });

  it('stops at the depth where a chain proves nothing any more, and says so', async () => {
    const chain = Array.from({ length: 12 }, (_, index): Row => ({
      ids: [id(`t${index}`, 'x'), id(`t${index + 1}`, 'x')],
    }));
    chain.unshift({ ids: [id('email', 'a'), id('t0', 'x')] });
    const found = await search([system('shop', chain)]);
    expect(found.limits).toEqual(['identifiers-too-deep']);
    expect(Math.max(...found.identifiers.map((one) => one.edge?.depth ?? 0))).toBe(MAX_DEPTH);
  });

  it('stops at a thousand identifiers', async () => {
    const ids = Array.from({ length: 1500 }, (_, index) => id('customer', `${index}`));
    const found = await search([system('shop', [{ ids: [id('email', 'a'), ...ids] }])]);
    expect(found.identifiers).toHaveLength(1000);
    expect(found.limits).toEqual(['identifiers-too-many']);
  });

  it('names a system that fails, by code only', async () => {
    const broken: Searched = {
      connectionId: 'crm',
      except: [],
      async *locate() {
        yield* [];
        throw Object.assign(new Error('ada@example.test is unknown'), {
          fail: { class: 'transient', code: 'deadline-exceeded' },
        });
      },
    };
    const found = await search([broken, system('shop', [{ ids: [id('email', 'a')] }])]);
    expect(found.silent).toEqual([{ connectionId: 'crm', code: 'deadline-exceeded' }]);
    expect(found.records.get('shop')).toHaveLength(1);
  });
});
