/** Who may what: one table by role, one by scope of system keys. Nothing is allowed that is not here. */
import { AbilityBuilder, createMongoAbility, type MongoAbility } from '@casl/ability';
import type { Principal, Role } from './caller.js';

/** Verbs of routes. */
export type Action =
  'read' | 'record' | 'check' | 'open' | 'decide' | 'approve' | 'configure' | 'operate' | 'link' | 'see-self';

/** Nouns of routes. */
export type Resource =
  | 'Self'
  | 'Consent'
  | 'Purpose'
  | 'Notice'
  | 'Subject'
  | 'Request'
  | 'Package'
  | 'AccessLog'
  | 'Ledger'
  | 'LedgerEntry'
  | 'Retention'
  | 'Hold'
  | 'Plugin'
  | 'Connection'
  | 'ApiKey'
  | 'Member'
  | 'Tenant'
  | 'Refusal'
  | 'Job'
  | 'Task'
  | 'Inbox'
  | 'Suppression'
  | 'Event'
  | 'System'
  | 'WebhookEndpoint'
  | 'Propagation';

type Grants = readonly (readonly [Action | readonly Action[], Resource | readonly Resource[]])[];

/** Grants of human roles. An admin configures and never approves; an auditor reads and never changes. */
export const roleGrants: Record<Role, Grants> = {
  admin: [
    [
      'read',
      [
        'Self',
        'Purpose',
        'Notice',
        'Ledger',
        'Retention',
        'Hold',
        'Plugin',
        'Connection',
        'ApiKey',
        'Member',
        'Tenant',
        'Refusal',
        'Job',
      ],
    ],
    ['read', ['System', 'WebhookEndpoint']],
    ['configure', ['System', 'WebhookEndpoint']],
    ['configure', ['Purpose', 'Notice', 'Plugin', 'Connection', 'ApiKey', 'Member', 'Tenant', 'Retention']],
    ['operate', ['Connection', 'Plugin', 'Tenant', 'WebhookEndpoint']],
  ],
  'privacy-officer': [
    [
      'read',
      [
        'Self',
        'Consent',
        'Purpose',
        'Notice',
        'Subject',
        'Request',
        'Package',
        'AccessLog',
        'Ledger',
        'LedgerEntry',
        'Retention',
        'Hold',
        'Plugin',
        'Connection',
        'Tenant',
        'Refusal',
        'Job',
        'Task',
      ],
    ],
    ['read', ['System', 'WebhookEndpoint', 'Propagation']],
    ['configure', ['Purpose', 'Notice', 'Retention']],
    ['record', ['Consent']],
    ['check', ['Consent', 'Suppression']],
    [['open', 'decide', 'approve'], 'Request'],
    [
      ['open', 'approve'],
      ['Retention', 'Hold'],
    ],
    ['link', 'Subject'],
    // What an admin has made or proposed is worth something only when an officer agrees.
    ['approve', ['Member', 'ApiKey', 'Tenant']],
    ['operate', ['Job', 'Task', 'Connection', 'Tenant', 'WebhookEndpoint', 'Propagation']],
  ],
  auditor: [
    [
      'read',
      [
        'Self',
        'Consent',
        'Purpose',
        'Notice',
        'Request',
        'AccessLog',
        'Ledger',
        'LedgerEntry',
        'Retention',
        'Hold',
        'Plugin',
        'Connection',
        'ApiKey',
        'Member',
        'Tenant',
        'Refusal',
        'Job',
        'Task',
      ],
    ],
    ['read', ['System', 'WebhookEndpoint', 'Propagation']],
  ],
  system: [['read', ['Self', 'Purpose', 'Ledger']]],
  subject: [['see-self', 'Self']],
};

/** Grants of system key scopes. No scope approves or decides. */
export const scopeGrants: Record<string, Grants> = {
  'consents:write': [['record', 'Consent']],
  'consents:check': [['check', 'Consent']],
  'consents:read': [['read', 'Consent']],
  'consents:explain': [['check', 'Consent']],
  'subjects:link': [['link', 'Subject']],
  'subjects:read': [['read', 'Subject']],
  'access-log:write': [['record', 'AccessLog']],
  'requests:open': [['open', 'Request']],
  'tasks:work': [['operate', 'Inbox']],
  'suppressions:check': [['check', 'Suppression']],
  'events:read': [[['read', 'record'], 'Event']],
};

const cache = new Map<string, MongoAbility>();

/** The ability of a principal; equal roles and scopes share one object. */
export function abilityOf(principal: Pick<Principal, 'roles' | 'scopes'>): MongoAbility {
  const made = byPrincipal.get(principal);
  if (made) return made;
  const ability = abilityFor(principal);
  byPrincipal.set(principal, ability);
  return ability;
}

const byPrincipal = new WeakMap<object, MongoAbility>();

function abilityFor(principal: Pick<Principal, 'roles' | 'scopes'>): MongoAbility {
  const key = `${principal.roles.join()}|${principal.scopes.join()}`;
  const known = cache.get(key);
  if (known) return known;
  const { can, build } = new AbilityBuilder<MongoAbility>(createMongoAbility);
  const all = [
    ...principal.roles.flatMap((role) => roleGrants[role]),
    ...principal.scopes.flatMap((scope) => scopeGrants[scope] ?? []),
  ];
  for (const [actions, resources] of all) can([actions].flat() as string[], [resources].flat() as string[]);
  const ability = build();
  if (cache.size < 1000) cache.set(key, ability);
  return ability;
}

/** In words, who is granted this: `Needs the role admin or auditor, or a system key with consents:check.` */
export function whoMay(action: Action, resource: Resource): string {
  const may = (roles: Role[], scopes: string[] = []): boolean => abilityOf({ roles, scopes }).can(action, resource);
  const roles = (['admin', 'privacy-officer', 'auditor'] as const).filter((role) => may([role]));
  const scopes = Object.keys(scopeGrants).filter((scope) => may([], [scope]));
  const key = may(['system']) ? 'a system key' : scopes.length > 0 ? `a system key with ${anyOf(scopes)}` : undefined;
  const role = roles.length > 0 ? `the role ${anyOf(roles)}` : undefined;
  return `Needs ${[role, key].filter((one) => one !== undefined).join(', or ')}.`;
}

const anyOf = (names: readonly string[]): string => new Intl.ListFormat('en', { type: 'disjunction' }).format(names);
