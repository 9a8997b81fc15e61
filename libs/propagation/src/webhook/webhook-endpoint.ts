/** Webhook endpoints: what an admin sets up, what the ledger keeps of it, and how URL and secrets are sealed. */
import { z } from 'zod';
import { declareEvents } from '#ledger';
import type { Sealed } from '#subjects';
import { allTypes, usualTypes } from '../event/public-event.js';
import { SystemId } from '../system.js';

declareEvents(
  'WebhookEndpointCreated.v1',
  'WebhookEndpointChanged.v1',
  'WebhookEndpointRemoved.v1',
  'WebhookSecretRotated.v1',
  'WebhookDeliveryFailed.v1',
);

export const endpointStream = (id: string): string => `webhook-endpoint/${id}`;
/** Where URL and secrets of an endpoint stand sealed. */
export const endpointPlace = (id: string): string => `webhook-endpoint/${id}`;

export const EndpointBody = z
  .strictObject({
    url: z.string().min(1).max(2_000),
    description: z.string().max(200).default(''),
    /** Which events; without it everything but requests and lateness. */
    types: z
      .array(z.enum(allTypes))
      .min(1)
      .default([...usualTypes]),
    /** The system behind it (channel `webhook`): its answer 2xx is its acknowledgement, and it hears of its purposes only. */
    systemId: SystemId.nullable().default(null),
  })
  .meta({ id: 'WebhookEndpointDefinition' });
export type EndpointDefinition = z.infer<typeof EndpointBody>;

export const RotateBody = z
  .strictObject({ overlapHours: z.int().min(0).max(168).default(24) })
  .meta({ id: 'RotateWebhookSecret' });

/** Why an endpoint takes no messages. */
export type DisabledBecause = 'by-hand' | 'gone' | 'secrets-unreadable';

export const EndpointView = z
  .strictObject({
    id: z.uuid(),
    /** Empty when it can no longer be opened. */
    url: z.string(),
    description: z.string(),
    types: z.array(z.string()),
    systemId: z.string().nullable(),
    status: z.enum(['enabled', 'disabled']),
    /** `by-hand`, `gone` when the receiver answered 410, `secrets-unreadable` when the key of its URL and secrets is lost. */
    disabledBecause: z.string().nullable(),
    /** Attempts in a row that did not reach it; 0 when all is well. */
    failures: z.int(),
    /** Until when the former secret signs as well. */
    oldSecretUntil: z.string().nullable(),
    createdAt: z.string(),
  })
  .meta({ id: 'WebhookEndpoint' });
export type EndpointView = z.infer<typeof EndpointView>;
export const EndpointList = z
  .strictObject({ items: z.array(EndpointView), next: z.null() })
  .meta({ id: 'WebhookEndpoints' });
/** `secret` is shown once. */
export const EndpointSecret = z
  .strictObject({ id: z.uuid(), secret: z.string(), oldSecretUntil: z.string().nullable() })
  .meta({ id: 'WebhookSecret' });

/** What is sealed: the URL, and each secret with the time until which it signs; null = until it is rotated. */
export const EndpointInside = z.strictObject({
  url: z.string(),
  secrets: z.array(z.strictObject({ secret: z.string(), until: z.string().nullable() })),
});
export type EndpointInside = z.infer<typeof EndpointInside>;

export interface EndpointRow {
  id: string;
  types: string[];
  system: string | null;
  description: string;
  status: 'enabled' | 'disabled';
  disabled_because: string | null;
  since: number;
  sealed: string;
  failures: number;
  resume_at: Date | null;
  created_at: Date;
}

/** The sealed part of a row. */
export const sealedOf = (row: Pick<EndpointRow, 'sealed'>): Sealed => JSON.parse(row.sealed) as Sealed;

/** Secrets that sign now, the newest first. */
export function signingSecrets({ secrets }: EndpointInside, now: Date): string[] {
  const time = now.toISOString();
  return secrets.filter(({ until }) => until === null || until > time).map(({ secret }) => secret);
}

/** The new secret first; those before it end with the overlap, or when they would have ended anyway. */
export function rotated(inside: EndpointInside, secret: string, until: Date, now: Date): EndpointInside {
  const end = until.toISOString();
  const kept = inside.secrets
    .filter((one) => one.until === null || one.until > now.toISOString())
    .map((one) => ({ ...one, until: one.until === null || one.until > end ? end : one.until }));
  return { ...inside, secrets: [{ secret, until: null }, ...kept].filter((one) => one.until !== now.toISOString()) };
}
