/** What the event routes take and answer. */
import { z } from 'zod';
import { JsonValue } from '#platform';
import type { EventNames } from './event-id.js';
import { allTypes, type PublicEvent, type PublicType } from './public-event.js';

const known = new Set<string>(allTypes);
const types = z
  .string()
  .max(600)
  .transform((text) => [...new Set(text.split(','))].sort())
  .refine(
    (list): list is PublicType[] => list.every((type) => known.has(type)),
    `Types separated by commas, of: ${allTypes.join(', ')}.`,
  );
const count = (min: number, max: number, usual: number): z.ZodType<number, string | undefined> =>
  z
    .string()
    .regex(/^\d{1,4}$/)
    .default(String(usual))
    .transform(Number)
    .refine((value) => value >= min && value <= max, `A number from ${min} to ${max}.`);

/** `types` is a comma-separated list; `wait` in seconds. */
export const EventQuery = z.strictObject({
  after: z.string().min(1).max(1_000).optional(),
  types: types.optional(),
  limit: count(1, 500, 50),
  wait: count(0, 25, 0),
});
export type EventQuery = z.infer<typeof EventQuery>;

export const EventView = z
  .strictObject({
    /** Unique for ever; a repeated delivery has the same. */
    id: z.string(),
    /** One of the documented types; new ones may come. */
    type: z.string(),
    version: z.int(),
    position: z.int(),
    time: z.string(),
    subject: z.strictObject({ id: z.uuid() }).nullable(),
    data: z.record(z.string(), JsonValue),
  })
  .meta({ id: 'Event' });
/** `next` is never null: with `caughtUp` it is where to wait for what comes. */
export const EventPage = z
  .strictObject({ items: z.array(EventView), next: z.string(), caughtUp: z.boolean() })
  .meta({ id: 'EventPage' });

export const AcknowledgeBody = z
  .strictObject({ cursor: z.string().min(1).max(1_000) })
  .meta({ id: 'AcknowledgeEvents' });
/** `moved` is false when the system had acknowledged this far already. */
export const Acknowledged = z
  .strictObject({ systemId: z.string(), upTo: z.int(), moved: z.boolean() })
  .meta({ id: 'AcknowledgedEvents' });

/** No external ids: nothing in Lethe says which identifier was registered by which system. */
export function eventView(names: EventNames, event: PublicEvent): z.infer<typeof EventView> {
  const { type, version, position, time, subject, data } = event;
  const person = subject === null ? null : { id: subject };
  return { id: names.idAt(position), type, version, position, time, subject: person, data };
}
