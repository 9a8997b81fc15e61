/** Connections and approved plugins: events, views, streams. Pure. */
import { z } from 'zod';
import { conflict, type DomainError } from '#kernel';
import { declareEvents } from '#ledger';
import { JsonValue } from '#platform';

declareEvents(
  'PluginInstalled.v1',
  'ConnectionCreated.v1',
  'ConnectionChanged.v1',
  'ConnectionChecked.v1',
  'ConnectionEnabled.v1',
  'ConnectionDisabled.v1',
  'SystemRegistered.v1',
  'ConnectionUpgraded.v1',
  'ConnectionRolledBack.v1',
  'ConnectionSecretsRotated.v1',
  'ConnectionChangeRefused.v1',
  'ConnectionRemoved.v1',
  'PluginRemoved.v1',
  'PluginQuarantined.v1',
  'PluginQuarantineCleared.v1',
);

/** Stream of one connection, or of one registered system without a connector. */
export const connectionStream = (id: string): string => `connection/${id}`;
/** 409 of a change that was made from what no longer stands; thrown in an append it undoes the append. */
export const connectionChanged = (): DomainError =>
  conflict('connection-changed', 'Somebody changed this connection meanwhile. Look at it and try again.');
/** Stream of a plugin's versions in this tenant. */
export const pluginStream = (id: string): string => `plugin/${id}`;

/** Who the recipient of the data is (GDPR 4(7) to (9), 26, 28). */
export const recipientRoles = ['own', 'processor', 'joint', 'independent'] as const;

const identity = {
  name: z.string().min(1).max(100),
  role: z.enum(recipientRoles).default('own'),
  legalEntity: z.string().min(1).max(200),
  /** ISO 3166-1 alpha-2 of where the data lies. */
  country: z.string().regex(/^[A-Z]{2}$/),
};

/** A configured, credentialled instance of a plugin. `config` follows the manifest's JSON Schema. */
export const ConnectionBody = z
  .strictObject({
    ...identity,
    plugin: z.strictObject({ id: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/), version: z.string().max(64) }),
    config: z.record(z.string().max(200), JsonValue),
    secrets: z.record(z.string().max(100), z.string().max(10_000)).default({}),
  })
  .meta({ id: 'NewConnection' });

/** A system that holds personal data and has no connector: every plan names it, and a human does the work. */
export const SystemBody = z
  .strictObject({ ...identity, owner: z.string().min(1).max(200), why: z.string().min(1).max(500) })
  .meta({ id: 'NewSystem' });

export const ConnectionView = z
  .strictObject({
    id: z.uuid(),
    name: z.string(),
    role: z.enum(recipientRoles),
    legalEntity: z.string(),
    country: z.string(),
    plugin: z.strictObject({ id: z.string(), version: z.string(), contentHash: z.string() }).nullable(),
    configVersion: z.number().int(),
    status: z.enum(['stopped', 'enabled', 'disabled', 'manual']),
    /** The isolation its process really reaches on this machine. */
    isolation: z.string().nullable(),
    datasets: z.array(z.string()),
    owner: z.string().nullable(),
    why: z.string().nullable(),
    checkedAt: z.string().nullable(),
    /** Why its plugin is not started although the connection may be enabled: `plugin-quarantined`, `isolation-too-weak`. */
    blocked: z.strictObject({ code: z.string(), why: z.string(), since: z.string().nullable() }).nullable(),
    /** The pair a rollback would restore. */
    previous: z.strictObject({ version: z.string(), configVersion: z.number().int() }).nullable(),
  })
  .meta({ id: 'Connection' });
export const ConnectionList = z
  .strictObject({ items: z.array(ConnectionView), next: z.null() })
  .meta({ id: 'ConnectionList' });

export const PluginView = z
  .strictObject({
    id: z.string(),
    version: z.string(),
    name: z.string(),
    publisher: z.string(),
    contentHash: z.string(),
    native: z.boolean(),
    capabilities: z.array(z.string()),
    installedAt: z.string(),
    /** Connections for which this version is quarantined. */
    quarantinedFor: z.array(z.uuid()),
  })
  .meta({ id: 'Plugin' });
export const PluginList = z.strictObject({ items: z.array(PluginView), next: z.null() }).meta({ id: 'PluginList' });

/** Where the sealed secrets of a connection stand. */
/** Place of what people write about plugins and connections: free text, and who answers for a system. */
export const WORDS_PLACE = 'connectors/words';

export const secretsPlace = (id: string): string => `connection/${id}/secrets`;
