/** Connector for Tryton: its parties, contacts, sales and invoices over JSON-RPC, erased by its own wizard. */
import { ConnectorError, defineConnector } from '@lethe/plugin-sdk';
import type { Check, Connector, Ctx, Dataset } from '@lethe/plugin-sdk';
import { applyItem } from './apply.js';
import type { TrytonConfig } from './config.js';
import { describe, MODELS, NAMES, type Name } from './datasets.js';
import { horizonOf } from './horizon.js';
import { locateItem } from './locate.js';
import { readItem } from './read-records.js';
import { openSession, TrytonRefusal } from './rpc.js';
import { verifyItem } from './verify.js';

async function check(x: Ctx<TrytonConfig>): Promise<Check> {
  try {
    const session = await openSession(x);
    const silent: string[] = [];
    for (const name of NAMES) {
      if ((await describe(session, name)) === undefined) silent.push(name);
      // Resources can only be searched by record; their rights are those of the record.
      else if (MODELS[name].links.length > 0) await session.search(name, [['id', '=', 0]], ['id']);
    }
    const warnings = silent.map((name) => `The module of ${name} is not activated.`);
    return { ok: true, account: x.config.user, ...(warnings.length === 0 ? {} : { warnings }) };
  } catch (error) {
    if (error instanceof ConnectorError) return { ok: false, error: error.fail, message: error.message };
    if (error instanceof TrytonRefusal)
      return { ok: false, error: { class: 'auth', code: 'rights-missing' }, message: error.message };
    throw error;
  }
}

async function* datasets(x: Ctx<TrytonConfig>): AsyncGenerator<Dataset<Name>> {
  const session = await openSession(x);
  for (const name of NAMES) {
    const dataset = await describe(session, name);
    if (dataset !== undefined) yield dataset;
  }
}

/** The Tryton connector; the default export is what the plugin host loads. */
const tryton: Connector<TrytonConfig, Name> = {
  check,
  datasets,
  async *locate(x, items) {
    const session = await openSession(x);
    for (const item of items) yield* guarded(locateItem(session, item));
  },
  async *read(x, items, at) {
    const session = await openSession(x);
    for (const item of items) yield* guarded(readItem(session, item, at));
  },
  async *apply(x, op, items, at) {
    if (op.kind !== 'erasure')
      throw new ConnectorError({ class: 'permanent', code: 'not-supported' }, 'Retention runs are not supported.');
    const session = await openSession(x);
    for (const item of items) yield* guarded(applyItem(session, item, at, op.kept as typeof at | undefined));
  },
  async *verify(x, items, at) {
    const session = await openSession(x);
    for (const item of items) yield* guarded(verifyItem(session, item, at));
  },
  async *horizon(x) {
    yield* guarded(horizonOf(await openSession(x)));
  },
};

/** A refusal nobody expected ends the call: a right is missing, and saying "nothing found" would be false. */
async function* guarded<T>(steps: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    yield* steps;
  } catch (error) {
    if (!(error instanceof TrytonRefusal)) throw error;
    const fail = { class: error.kind === 'denied' ? 'auth' : 'permanent', code: `tryton-${error.kind}` } as const;
    throw new ConnectorError(fail, error.message);
  }
}

export default defineConnector(tryton);
