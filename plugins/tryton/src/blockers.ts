/** Why Tryton would refuse to erase a party, asked without writing: its own check runs only inside the erase. */
import { fieldsOf } from './datasets.js';
import { refusalText } from './refusal.js';
import type { Domain, Session } from './rpc.js';
import { plainValue } from './values.js';

/** A reason of Lethe's vocabulary and the vendor's words for it, free of names. */
export interface Blocker {
  blockedBy: 'contract-running' | 'payment-open';
  blockedMessage: string;
}

const CHECKS: { model: string; domain: (party: number) => Domain; blockedBy: Blocker['blockedBy']; words: string }[] = [
  {
    model: 'sale.sale',
    domain: (party) => [
      ['OR', ['party', '=', party], ['shipment_party', '=', party]],
      ['state', 'not in', ['done', 'cancelled']],
    ],
    blockedBy: 'contract-running',
    words: 'pending sales',
  },
  {
    model: 'account.invoice',
    domain: (party) => [
      ['OR', ['party', '=', party], ['alternative_payees', '=', party]],
      ['state', 'not in', ['paid', 'cancelled']],
    ],
    blockedBy: 'payment-open',
    words: 'pending invoices',
  },
];

/** The first blocker of a party, or undefined. A module that is not activated cannot block. */
export async function findBlocker(session: Session, party: number): Promise<Blocker | undefined> {
  for (const { model, domain, blockedBy, words } of CHECKS) {
    const found = await session.searchIfThere(model, domain(party), ['id']);
    if (found.length > 0) return { blockedBy, blockedMessage: refusalText(words) };
  }
  if (!(await hasBalance(session, party))) return undefined;
  return { blockedBy: 'payment-open', blockedMessage: refusalText('pending receivable/payable') };
}

async function hasBalance(session: Session, party: number): Promise<boolean> {
  const columns = await fieldsOf(session, 'party.party');
  const fields = ['receivable', 'payable'].filter((field) => columns !== undefined && field in columns);
  const [row] = await session.read('party.party', [party], ['id', ...fields]);
  return fields.some((field) => Number(plainValue(row?.[field] ?? 0)) !== 0);
}
