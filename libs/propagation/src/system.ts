/** Systems that must obey what people decide: on which purposes, told over which channel, and how soon they must say so. */
import { z } from 'zod';
import { declareEvents, type StoredEvent } from '#ledger';

declareEvents('ConnectedSystemDeclared.v1');

/** One stream for all: names and keys are unique across it. */
export const systemsStream = 'connected-systems';

/** How a system hears of a decision. */
export const channels = ['cursor', 'webhook', 'inbox', 'plugin'] as const;
export type Channel = (typeof channels)[number];

/** Id of a system: the client's own slug. */
export const SystemId = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/);

const DURATION = /^P(?!$)(?:(\d{1,3})D)?(?:T(?=\d)(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?$/;
const MIN_MS = 1_000;
const MAX_MS = 366 * 86_400_000;

/** Milliseconds of an ISO 8601 duration in days, hours, minutes and seconds, e.g. `PT15M`; NaN for anything else. */
export function durationMs(text: string): number {
  const match = DURATION.exec(text);
  if (!match) return Number.NaN;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

const Duration = z
  .string()
  .refine(
    (text) => durationMs(text) >= MIN_MS && durationMs(text) <= MAX_MS,
    'A duration of ISO 8601 from PT1S to P366D, e.g. PT15M or P3D.',
  );
const purpose = z.string().regex(/^(\*|[a-z0-9][a-z0-9._-]{0,99})$/);

const common = {
  name: z.string().min(1).max(100),
  /** Ids of purposes whose decisions it must obey; `*` stands for all of them, those of the future included. */
  purposes: z.array(purpose).min(1).max(100),
  /** From the recording of a decision to the acknowledgement, ISO 8601. */
  acknowledgeWithin: Duration,
  /** A retired one hears nothing and owes nothing. */
  status: z.enum(['active', 'retired']).default('active'),
};
/** A system key's id as `GET /v1/admin/api-keys` lists it: only this key reads and acknowledges for the system. */
const keyId = z.string().regex(/^[0-9a-f]{16}$/);

/** What an admin declares. */
export const SystemBody = z
  .discriminatedUnion('channel', [
    z.strictObject({ ...common, channel: z.literal('cursor'), keyId }),
    z.strictObject({ ...common, channel: z.literal('webhook') }),
    z.strictObject({ ...common, channel: z.literal('inbox'), connectionId: z.uuid() }),
    z.strictObject({ ...common, channel: z.literal('plugin'), connectionId: z.uuid() }),
  ])
  .meta({ id: 'ObeyingSystemDeclaration' });
export type SystemDefinition = z.infer<typeof SystemBody>;

export const SystemView = z
  .strictObject({
    id: SystemId,
    name: z.string(),
    purposes: z.array(z.string()),
    acknowledgeWithin: z.string(),
    status: z.enum(['active', 'retired']),
    channel: z.enum(channels),
    keyId: z.string().nullable(),
    connectionId: z.uuid().nullable(),
  })
  .meta({ id: 'ObeyingSystem' });
export const SystemList = z.strictObject({ items: z.array(SystemView), next: z.null() }).meta({ id: 'ObeyingSystems' });

/** A declared system. */
export type System = SystemDefinition & { id: string };

/** The declarations that stand, by id, from the events of the stream in order. */
export function foldSystems(events: readonly StoredEvent[]): Map<string, System> {
  const systems = new Map<string, System>();
  for (const { type, data } of events) {
    if (type !== 'ConnectedSystemDeclared.v1') continue;
    const { id, after } = data as unknown as { id: string; after: SystemDefinition };
    systems.set(id, { id, ...after });
  }
  return systems;
}

/** The connection through which a system is called; undefined when it reads by itself or is sent messages. */
export function connectionOf(system: SystemDefinition): string | undefined {
  return system.channel === 'plugin' || system.channel === 'inbox' ? system.connectionId : undefined;
}

/** The same shape for every channel. */
export function viewOfSystem(system: System): z.infer<typeof SystemView> {
  const { id, name, purposes, acknowledgeWithin, status, channel } = system;
  return {
    ...{ id, name, purposes, acknowledgeWithin, status, channel },
    keyId: system.channel === 'cursor' ? system.keyId : null,
    connectionId: connectionOf(system) ?? null,
  };
}

/** True when a decision on this purpose binds the system; what concerns the whole person (null) binds every one. */
export function mustObey(system: SystemDefinition, about: string | null): boolean {
  if (system.status !== 'active') return false;
  return about === null || system.purposes.includes('*') || system.purposes.includes(about);
}
