/** Calls about people and what is kept of them: the log, decisions, subjects, accesses, holds and retention. */
import { always, scanned, withA, type Known, type Move, type Step } from './known-things.js';

const someone = (known: Known): object => {
  const email = known.some('subject')?.email ?? `${known.fresh('mover')}@example.test`;
  return { identifiers: [{ type: 'email', value: email }] };
};
const auditor =
  (query: string): Move =>
  () => ({ as: 'auditor', query });
const ofLog = (...more: string[]): Move => withA('log', always, ({ id }) => ({ as: 'auditor', path: [id, ...more] }));

const reading: Record<string, Move> = {
  showLedger: (known) => ({
    as: 'auditor',
    learn: ({ logId }) => known.all('log').length === 0 && known.put('log', { id: logId }),
  }),
  readCheckpoint: ofLog(),
  readEntry: ofLog('0'),
  readProof: ofLog('0'),
  readConsistency: withA('log', always, ({ id }) => ({ as: 'auditor', path: [id], query: '?from=1&to=2' })),
  readEntryBundle: ofLog('000.p/5'),
  readTile: ofLog('0', '000.p/5'),
  getCertificateKey: auditor(''),
  whoami: auditor(''),
  listAccessSources: auditor(''),
};

const consents: Record<string, Move> = {
  listPurposes: (known) => ({ as: 'auditor', learn: (list) => known.shown('purpose', list) }),
  definePurpose: (known) => {
    const id = known.fresh('purpose');
    const body = { name: id, legalBasis: 'consent', model: 'opt-in' };
    return { as: 'admin', path: [id], body, learn: () => known.put('purpose', { id }) };
  },
  publishNotice: withA('purpose', always, ({ id }, known) => ({
    body: { id: known.fresh('notice'), version: '1', language: 'en', text: 'Words.', purposes: [id] },
  })),
  recordConsent: (known) => {
    const email = `${known.fresh('mover')}@example.test`;
    return {
      as: known.pick(['system', 'officer']),
      body: {
        ...{ subject: { identifiers: [{ type: 'email', value: email }] }, notice: { id: 'walk', version: '1' } },
        decisions: [{ purpose: 'walking', decision: known.pick(['given', 'refused', 'withdrawn']) }],
        ...{ method: 'walk', collectedAt: known.now(), evidence: {} },
      },
      learn: ({ subjectId, records }) => {
        known.put('subject', { id: subjectId, email });
        for (const { id } of records) known.put('record', { id });
      },
    };
  },
  checkConsent: (known) => ({ as: 'system', body: { subject: someone(known), purpose: 'walking' } }) as Step,
  checkConsents: (known) =>
    ({ as: 'system', body: { items: [{ ref: 'a', subject: someone(known), purpose: 'walking' }] } }) as Step,
  listConsents: withA('subject', always, ({ id }) => ({ path: [id] })),
  listConsentHistory: withA('subject', always, ({ id }) => ({ path: [id] })),
  getReceipt: withA('record', always, ({ id }) => ({ path: [id] })),
  getConsentProof: withA('record', always, ({ id }) => ({ path: [id] })),
  checkSuppressions: (known) => {
    const identifier = { type: 'email', value: `${known.fresh('import')}@example.test` };
    return { body: { items: [{ ref: 'r', identifier, dataFrom: '2026-01-01T00:00:00Z' }] } };
  },
  lookup: (known) => ({ body: someone(known) }) as Step,
  link: (known) => {
    const [one, other] = [known.some('subject'), known.some('subject', (it) => !it.linked)];
    if (!one || !other || one === other || one.linked) return undefined;
    return {
      body: { subjectIds: [one.id, other.id], method: 'attest' },
      learn: ({ linkId }) => {
        for (const it of [one, other]) it.linked = true;
        known.put('link', { id: linkId });
      },
    };
  },
  unlink: withA('link', always, (link, known) => ({
    body: { linkId: link.id, reason: 'mistake' },
    learn: () => known.drop('link', link),
  })),
  reportAccesses: (known) => {
    const entry = {
      ...{ id: known.fresh('access'), actor: { type: 'employee', id: 'ada' }, subject: someone(known) },
      ...{ action: 'read', resource: 'crm', fields: ['name'], purpose: 'walking', at: known.now() },
    };
    return { as: 'system', body: { entries: [entry] } } as Step;
  },
  searchAccesses: () => ({ as: 'auditor', body: { limit: 5 } }),
};

const retention: Record<string, Move> = {
  listHolds: (known) => ({ learn: (list) => known.shown('hold', list) }),
  placeHold: (known) => ({
    body: {
      ...{ ground: 'gdpr-17-3-e', reason: 'A claim.', owner: 'legal', reviewOn: '2031-01-01' },
      scope: { subject: { identifiers: [{ type: 'email', value: `${known.fresh('held')}@example.test` }] } },
    },
    learn: ({ id }) => known.put('hold', { id }),
  }),
  releaseHold: withA('hold', always, (hold, known) => ({
    ...{ as: 'officer2', path: [hold.id], body: { reason: 'It is over.' }, learn: () => known.drop('hold', hold) },
  })),
  listRetentionPolicies: (known) => ({ learn: (list) => known.shown('policy', list) }),
  defineRetentionPolicy: withA(
    'connection',
    (one, known) => scanned(one) && known.all('policy').length < 3,
    (connection, known) => {
      const id = known.fresh('policy');
      const body = { connectionId: connection.id, dataset: 'people', period: 'P1Y', action: 'erase' };
      const defined = (): void => {
        connection.ruled = true;
        known.put('policy', { id });
      };
      return { path: [id], body, learn: defined };
    },
  ),
  makeRetentionPlan: withA(
    'connection',
    (one) => scanned(one) && one.ruled,
    (_, known) => ({
      body: { all: true },
      learn: ({ id, hash, counts }) => known.put('retention-plan', { id, hash, empty: counts.due === 0 }),
    }),
  ),
  getRetentionPlan: withA('retention-plan', always, ({ id }) => ({ path: [id] })),
  approveRetentionPlan: withA(
    'retention-plan',
    (plan) => !plan.empty && !plan.approved,
    (plan) => {
      const approved = (): void => void (plan.approved = true);
      return { as: 'officer2', path: [plan.id], body: { hash: plan.hash }, learn: approved, otherwise: approved };
    },
  ),
};

export const movesOfPeople: Record<string, Move> = { ...reading, ...consents, ...retention };
