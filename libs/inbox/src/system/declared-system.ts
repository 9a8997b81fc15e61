/** What an admin declares of a system that runs no plugin: its datasets, who may pull its tasks, or where they are pushed. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ConnectionRow, Dataset } from '#connectors';
import { recipientRoles } from '#connectors';
import { canonicalize, type Json } from '#kernel';

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/);
const words = z.string().min(1).max(100);

/** A dataset the system holds. `refs` say how its records hang together; `shared`: a record may concern several people. */
const DeclaredDataset = z
  .strictObject({
    name,
    title: z.string().min(1).max(200),
    /** Categories of personal data, for the article 15 information. */
    categories: z.array(words).max(50).default([]),
    fields: z
      .array(
        z.strictObject({
          name: words,
          personal: z.boolean().default(true),
          identifier: z
            .strictObject({ type: z.string().min(1).max(64), strength: z.enum(['identifying', 'candidate']) })
            .optional(),
        }),
      )
      .max(500)
      .default([]),
    refs: z
      .array(
        z.strictObject({ field: words, to: z.strictObject({ dataset: name, field: words }), identifying: z.boolean() }),
      )
      .max(100)
      .default([]),
    shared: z.boolean().default(false),
    action: z.enum(['erase', 'anonymise', 'strip', 'detach', 'retain']).default('erase'),
    clockField: words.optional(),
    stripFields: z.array(words).max(100).default([]),
    /** Days for which copies may outlive an erasure in the system's backups; absent: not known. */
    backupDays: z.number().int().min(0).max(3650).optional(),
  })
  .meta({ id: 'DeclaredDataset' });

const identity = {
  name: z.string().min(1).max(100),
  role: z.enum(recipientRoles).default('own'),
  legalEntity: z.string().min(1).max(200),
  /** ISO 3166-1 alpha-2 of where the data lies. */
  country: z.string().regex(/^[A-Z]{2}$/),
};

/** What an admin declares of any such system, and may declare anew. */
export const declared = {
  datasets: z
    .array(DeclaredDataset)
    .min(1)
    .max(100)
    .refine((all) => new Set(all.map((one) => one.name)).size === all.length, 'Names of datasets must differ.'),
  /** Days the system has for one task. */
  answerWithinDays: z.number().int().min(1).max(30).default(14),
};

/** Id of a system key. */
export const keyId = z.string().regex(/^[0-9a-f]{16}$/);

/** `whsec_` and 24 to 64 random bytes in base64; kept sealed, never shown again. */
export const signingSecret = z.string().regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/);

/** A system that pulls its work. `keyId`: the system key (scope `tasks:work`) that alone sees its tasks. */
export const InboxBody = z.strictObject({ ...identity, ...declared, keyId }).meta({ id: 'NewInbox' });

/**
 * A system with an endpoint of its own, called with a signed body (Standard Webhooks). `allowInward`: its exact host and
 * port may be an inward address. `keyId`: a key with which it may answer later, when it answered 202.
 */
export const RemoteBody = z
  .strictObject({
    ...identity,
    ...declared,
    endpoint: z.url({ protocol: /^https?$/ }).max(2000),
    allowInward: z.boolean().default(false),
    signingSecret,
    keyId: keyId.optional(),
  })
  .meta({ id: 'NewRemote' });

/** A connection's configuration as it is kept. */
export type DeclaredConfig = Pick<z.infer<typeof InboxBody>, 'datasets' | 'answerWithinDays'> & {
  keyId?: string;
  endpoint?: string;
  allowInward?: boolean;
};

/** Kinds of connections of this domain. */
export const declaredKinds = ['inbox', 'remote'] as const;
export type DeclaredKind = (typeof declaredKinds)[number];

export const configOf = (row: Pick<ConnectionRow, 'config'>): DeclaredConfig => row.config as unknown as DeclaredConfig;

const hash = (value: unknown): string => createHash('sha256').update(canonicalize(value)).digest('hex');

/** SHA-256 of everything declared, and of where it is sent; another key does the same work. */
export function configHash(row: Pick<ConnectionRow, 'config'>): string {
  const { keyId: _, ...declaration } = configOf(row);
  return hash(declaration);
}

/** The declared datasets in the SDK's words; the hash covers the declaration, since nobody reads the real schema. */
export function datasetsOf(config: DeclaredConfig): Dataset[] {
  return config.datasets.map(({ backupDays: _, clockField, fields, ...dataset }) => ({
    ...dataset,
    ...(clockField === undefined ? {} : { clockField }),
    fields: fields.map(({ identifier, ...field }) => ({ ...field, ...(identifier ? { identifier } : {}) })),
    schemaHash: hash({ ...dataset, fields, clockField: clockField ?? null } as unknown as Json),
  }));
}
