/** The plugin of the fault tests: a small mailing system behind HTTP, which the connector serves honestly or betrays as told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectorError, defineConnector, type Ctx, type Outcome, type Target } from '@lethe/plugin-sdk';

interface Config {
  url: string;
}
interface Row {
  id: string;
  email: string;
}
type X = Ctx<Config>;

async function ask<T>(x: X, path: string, body?: unknown): Promise<T> {
  try {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(x.config.url + path, { ...init, signal: x.signal });
    return (await answer.json()) as T;
  } catch {
    throw new ConnectorError({ class: 'transient', code: 'unreachable' }, 'The mailing system cannot be reached.');
  }
}

/** What the test wants to happen in this call. */
const orders = (x: X): Promise<{ fault: string; slowMs: number; held: boolean }> => ask(x, '/fault');
const HELD_MS = 100;

/** Asked under another path when it looks again, so that the system can tell the looks apart. */
async function rowsOf(x: X, ids: readonly { type: string; value: string }[], path = '/rows'): Promise<Row[]> {
  const emails = new Set(ids.filter((id) => id.type === 'email').map((id) => id.value.toLowerCase()));
  return (await ask<Row[]>(x, path)).filter((row) => emails.has(row.email));
}

const erased = ({ itemKey, dataset, ref }: Target): Outcome => ({ itemKey, dataset, ref, count: 1, kind: 'erased' });

export default defineConnector<Config>({
  async check(x) {
    await orders(x);
    return { ok: true, account: 'mailing' };
  },
  async *datasets() {
    yield {
      ...{ name: 'subscribers', title: 'Subscribers', categories: ['contact'], shared: false, action: 'erase' },
      fields: [
        { name: 'email', personal: true, identifier: { type: 'email', strength: 'identifying' } },
        { name: 'since', personal: false },
      ],
      clockField: 'since',
      ...{ refs: [], stripFields: [], schemaHash: 'a'.repeat(64) },
    };
  },
  async *locate(x, items) {
    for (const { itemKey, ids } of items)
      for (const row of await rowsOf(x, ids)) yield { itemKey, dataset: 'subscribers', ref: row.id, count: 1 };
  },
  async *read(x, items, at) {
    for (const { itemKey, ids } of items)
      for (const row of await rowsOf(x, ids))
        if (at.some((one) => one.ref === row.id))
          yield { itemKey, dataset: 'subscribers', ref: row.id, fields: { email: row.email } };
  },
  async *apply(x, _op, _items, at) {
    const { fault, slowMs } = await orders(x);
    if (slowMs > 0) await sleep(slowMs, undefined, { signal: x.signal });
    while ((await orders(x)).held) await sleep(HELD_MS, undefined, { signal: x.signal });
    const refs = at.map((target) => target.ref);
    if (fault === 'slow') await sleep(60_000, undefined, { signal: x.signal });
    if (fault === 'crash') process.exit(9);
    if (fault === 'error') throw new ConnectorError({ class: 'permanent', code: 'vendor-said-no' }, 'Refused.');
    if (fault === 'keep' || fault === 'blind') return yield* at.map(erased);
    if (fault === 'foreign') {
      await ask(x, '/delete', refs);
      return yield* at.map((target) => ({ ...erased(target), dataset: 'strangers' }));
    }
    // One of two is forgotten, and both are said to be gone.
    await ask(x, '/delete', fault === 'half' ? refs.slice(0, Math.ceil(refs.length / 2)) : refs);
    return yield* at.map(erased);
  },
  // Keeps to no plan: what it is handed is erased, whatever the action.
  async *verify(x, items, at) {
    const kept = new Set(at.filter(({ action }) => action === 'retain').map(({ ref }) => ref));
    for (const { itemKey, ids } of items) {
      const left = (await rowsOf(x, ids, '/again/rows')).filter(({ id }) => !kept.has(id));
      for (const row of left) yield { itemKey, dataset: 'subscribers', kind: 'residue', ref: row.id, by: 'identifier' };
      if (left.length === 0) yield { itemKey, dataset: 'subscribers', kind: 'clean' };
    }
  },
  async *horizon() {
    yield { dataset: 'subscribers', layer: 'backup', until: null };
  },
});
