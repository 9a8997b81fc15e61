// The shape of one append in the flush row: one event, one job, one consent record, one idempotency answer.
import { randomBytes } from 'node:crypto';
import { newId } from '../../dist/libs/kernel/src/index.js';

const particulars = randomBytes(180).toString('base64url');

/** Data of the event, as `RecordConsent` writes it; only ids differ between appends. */
export function consentData(id, subject) {
  return {
    id,
    subject,
    purpose: 'newsletter',
    decision: 'given',
    channel: null,
    collectedAt: '2026-01-01T10:00:00.000Z',
    imported: false,
    expiresAt: '2028-01-01T10:00:00.000Z',
    notice: { id: 'signup', version: '1', hash: 'a'.repeat(64) },
    particulars: { sealed: 1, c: 'consent', s: subject, n: 'AAAAAAAAAAAAAAAA', t: particulars },
  };
}

/** The kept answer of a repeated call. */
export function keptAnswer(id, subject, position) {
  return {
    records: [{ id, purpose: 'newsletter', decision: 'given' }],
    subjectId: subject,
    position,
    token: `bench.1.${position}`,
  };
}

export const job = { queue: 'bench', payload: { kind: 'bench' }, runAt: new Date('2099-01-01T00:00:00Z') };

/** Ids and keyed hashes of one append. */
export function identities() {
  return { id: newId(), subject: newId(), key: randomBytes(32), fingerprint: randomBytes(32) };
}
