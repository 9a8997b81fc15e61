/** Calls about the office and who must hear of decisions: members, keys, settings, systems, propagations and webhooks. */
import {
  admin,
  always,
  fewer,
  listed,
  ofSort,
  withA,
  type Known,
  type Move,
  type Step,
  type Thing,
} from './known-things.js';

const roles = ['privacy-officer', 'privacy-officer', 'auditor', 'admin'];
const keyKinds = [
  ['worker', 'tasks:work'],
  ['reader', 'events:read', 'consents:check'],
  ['spare', 'consents:check'],
];
const office: Record<string, Move> = {
  listMembers: listed('member'),
  addMember: (known) => {
    const wanted = [known.pick(roles)];
    const put = ({ id }: Thing): void => known.put('member', { id, roles: wanted });
    return { ...admin, body: { label: known.fresh('member'), roles: wanted }, learn: put };
  },
  confirmMember: withA(
    'member',
    (one) => !one.confirmed,
    (member) => ({
      ...{ path: [member.id], learn: () => void (member.confirmed = true) },
    }),
  ),
  changeMemberRoles: withA(
    'member',
    (one) => !one.has,
    (member, known) => {
      const wanted = [known.pick(roles)];
      const changed = (): void => void Object.assign(member, { roles: wanted, confirmed: false });
      return { ...admin, path: [member.id], body: { roles: wanted }, learn: changed };
    },
  ),
  removeMember: withA(
    'member',
    (one) => !one.has,
    (member, known) => ({
      ...{ ...admin, path: [member.id], learn: () => known.drop('member', member) },
    }),
  ),
  listApiKeys: listed('key'),
  issueApiKey: (known) => {
    const lacking = keyKinds.filter(([kind = '']) => known.all(kind).length === 0);
    // Without a worker no task is ever claimed.
    const hasInbox = ofSort(known, 'inbox') > 0;
    const [kind = '', ...scopes] = hasInbox ? known.pick(lacking.length > 0 ? lacking : keyKinds) : keyKinds[0]!;
    const member = known.some('member', (one) => one.roles.includes('privacy-officer'));
    const label = known.fresh('key');
    if (!member || !fewer(known, 'token', 2))
      return {
        ...{ ...admin, body: { kind: 'system', label, scopes } },
        learn: (key) => {
          known.put('key', { id: key.id });
          known.put(kind, { id: key.id, key: key.key });
        },
      };
    const issued = ({ id, key }: Thing): void => {
      member.has = true;
      known.put('token', { id, key, member });
    };
    return { ...admin, body: { kind: 'personal', label, memberId: member.id, expiresInDays: 30 }, learn: issued };
  },
  confirmApiKey: withA(
    'token',
    (one) => !one.confirmed,
    (token, known) => ({
      ...{ as: 'officer2', path: [token.id], otherwise: () => known.drop('token', token) },
      learn: () => {
        token.confirmed = token.member.confirmed = true;
        known.put('officer-key', token);
      },
    }),
  ),
  revokeApiKey: withA('spare', always, (spare, known) => ({
    ...{ ...admin, path: [spare.id] },
    learn: () => {
      known.drop('spare', spare);
      for (const key of known.all('key').filter((one) => one.id === spare.id)) known.drop('key', key);
    },
  })),
  listSettings: () => admin,
  proposeSettingChange: (known) => {
    if (known.all('change').length > 0) return undefined;
    const put = ({ id }: Thing): void => known.put('change', { id });
    return { ...admin, body: { name: 'two-person-erasure', value: 'off' }, learn: put };
  },
  approveSettingChange: withA(
    'change',
    (one) => !one.approved,
    (change) => ({
      ...{ path: [change.id], learn: () => void (change.approved = true) },
    }),
  ),
  cancelSettingChange: withA('change', always, (change, known) => ({
    ...{ path: [change.id], learn: () => known.drop('change', change) },
  })),
  searchRefusals: () => ({ as: 'auditor', body: { limit: 5 } }),
};

const reader = (step: (system: Thing) => Step): Move =>
  withA('system', always, (system) => ({ key: system.key, ...step(system) }));
/** A call on one of the webhooks. */
const hooked = (where: (one: Thing) => boolean, step: (one: Thing, known: Known) => Step): Move =>
  withA('endpoint', where, (one, known) => ({ ...admin, path: [one.id], ...step(one, known) }));
const definition = (known: Known): object => ({ url: known.hook, description: known.fresh('hook') });

const listeners: Record<string, Move> = {
  listObeyingSystems: listed('system'),
  declareObeyingSystem: withA(
    'reader',
    (_, known) => fewer(known, 'system', 2),
    (chosen, known) => {
      const id = known.fresh('system');
      const body = { name: id, purposes: ['walking'], acknowledgeWithin: 'PT15M', channel: 'cursor', keyId: chosen.id };
      const declared = (): void => {
        known.drop('reader', chosen);
        known.put('system', { id, key: chosen.key });
      };
      return { ...admin, path: [id], body, learn: declared, otherwise: () => known.drop('reader', chosen) };
    },
  ),
  readEvents: reader((system) => ({ query: '?limit=100', learn: ({ next }) => void (system.cursor = next) })),
  acknowledgeEvents: withA(
    'system',
    ({ cursor }) => cursor,
    ({ key, cursor }) => ({ key, body: { cursor } }),
  ),
  readConsentSnapshot: reader(() => ({ query: '?limit=5' })),
  listPropagations: (known) => ({
    query: '?state=waiting',
    learn: ({ items }) => {
      for (const { position, systemId } of items)
        if (!known.some('owed', (one) => one.position === position && one.systemId === systemId))
          known.put('owed', { position: String(position), systemId });
    },
  }),
  readPropagation: withA('owed', always, ({ position }) => ({ path: [position] })),
  printPropagation: withA('owed', always, ({ position }) => ({ path: [position] })),
  settlePropagation: withA(
    'owed',
    ({ over }) => !over,
    (owed) => {
      const settled = (): void => void (owed.over = true);
      const path = [owed.position, owed.systemId];
      return { path, body: { proof: 'Seen in the system.' }, learn: settled, otherwise: settled };
    },
  ),
  listWebhookEndpoints: listed('endpoint'),
  createWebhookEndpoint: (known) => {
    if (!fewer(known, 'endpoint', 3)) return undefined;
    return {
      ...admin,
      body: definition(known) as Step['body'] & object,
      learn: ({ id }) => known.put('endpoint', { id }),
    };
  },
  readWebhookEndpoint: hooked(always, () => ({})),
  changeWebhookEndpoint: hooked(always, (_, known) => ({ body: definition(known) as Step['body'] & object })),
  disableWebhookEndpoint: hooked(
    ({ off }) => !off,
    (one) => ({ learn: () => void (one.off = true) }),
  ),
  enableWebhookEndpoint: hooked(
    ({ off }) => off,
    (one) => ({ learn: () => void (one.off = false) }),
  ),
  testWebhookEndpoint: hooked(
    ({ off }) => !off,
    (one) => ({ learn: () => void (one.tested = true) }),
  ),
  rotateWebhookSecret: hooked(always, () => ({ body: { overlapHours: 1 } })),
  removeWebhookEndpoint: hooked(
    ({ off }) => off,
    (one, known) => ({ learn: () => known.drop('endpoint', one) }),
  ),
  searchWebhookDeliveries: withA('endpoint', always, (endpoint, known) => ({
    ...{ ...admin, body: { endpointId: endpoint.id, state: known.pick(['delivered', 'pending']), limit: 5 } },
    learn: ({ items }) => {
      for (const { id } of items) known.put('delivery', { id, endpoint });
    },
  })),
  redeliverWebhook: withA('delivery', always, (delivery, known) => ({
    ...{ ...admin, path: [delivery.id], learn: () => known.drop('delivery', delivery) },
    otherwise: () => known.drop('delivery', delivery),
  })),
};

export const movesOfOffice: Record<string, Move> = { ...office, ...listeners };
