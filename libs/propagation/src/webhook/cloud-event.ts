/** A public event as CloudEvents 1.0 in structured JSON: what a webhook's body is. Pure. */
import type { Json } from '#kernel';
import type { EventNames } from '../event/event-id.js';
import type { PublicEvent } from '../event/public-event.js';

export const CLOUD_EVENT_MEDIA_TYPE = 'application/cloudevents+json; charset=utf-8';
/** Digits of a position below 2^53: the sequence extension compares texts. */
const SEQUENCE_DIGITS = 16;

/** Source of all events of one log. */
export const sourceOf = (logId: string): string => `urn:lethe:log:${logId}`;

/** Thin: `subject` is the id that the system was given, `sequence` orders the events of one subject. */
export function cloudEvent({ logId, idAt }: EventNames, event: PublicEvent): Record<string, Json> {
  const { type, version, position, time, subject, data } = event;
  return {
    ...{ specversion: '1.0', id: idAt(position), source: sourceOf(logId), type: `lethe.${type}.v${version}` },
    ...(subject === null ? {} : { subject }),
    ...{ time, datacontenttype: 'application/json', sequence: String(position).padStart(SEQUENCE_DIGITS, '0'), data },
  };
}

/** What `POST /v1/webhook-endpoints/{id}/test` sends. */
export function testEvent(logId: string, deliveryId: string, at: Date): Record<string, Json> {
  return {
    ...{ specversion: '1.0', id: deliveryId, source: sourceOf(logId), type: 'lethe.webhook.test.v1' },
    ...{ time: at.toISOString(), datacontenttype: 'application/json', data: { test: true } },
  };
}
