/** Where copies may outlive an erasure: Tryton's history tables where a module keeps them, and the server's backups. */
import { ConnectorError } from '@lethe/plugin-sdk';
import type { Horizon } from '@lethe/plugin-sdk';
import { MODELS, NAMES, type Name } from './datasets.js';
import { TrytonRefusal } from './rpc.js';
import type { Session } from './rpc.js';

/** One line per dataset with a history, and one for backups, which Tryton leaves to its operator. */
export async function* horizonOf(session: Session): AsyncGenerator<Horizon<Name>> {
  for (const dataset of NAMES) {
    if (!(await keepsHistory(session, dataset))) continue;
    const emptied = MODELS[dataset].how === 'wizard';
    const note = emptied
      ? 'Its erase also empties the history, except for value_compact.'
      : 'Older versions stay in the history table.';
    yield { dataset, layer: 'history', until: null, note };
  }
  yield {
    dataset: 'party.party',
    layer: 'log',
    until: null,
    note: 'ir.model.log keeps who changed which fields, without values.',
  };
  yield {
    dataset: 'party.party',
    layer: 'backup',
    until: null,
    note: 'Backups of the Tryton database: see its operator.',
  };
}

/** A model without history answers with an error. */
async function keepsHistory(session: Session, dataset: Name): Promise<boolean> {
  try {
    await session.call(`model.${dataset}.history_revisions`, []);
    return true;
  } catch (error) {
    if (error instanceof TrytonRefusal) return false;
    if (error instanceof ConnectorError && error.fail.code === 'server-error') return false;
    throw error;
  }
}
