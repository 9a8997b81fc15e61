/** The events that leave Lethe: an own, versioned vocabulary, so that the ledger's may change without breaking a consumer. Pure. */
import type { JsonObject } from '#kernel';
import type { StoredEvent } from '#ledger';

/**
 * Every public type with the version of its `data`. A version only gains members; a change of meaning gets a new number.
 * `obey`: a system must act on it and say so; `forbid`: among these, what stops something, so that silence is a danger.
 */
export const publicEventTypes = {
  'consent.given': { version: 1, obey: true, forbid: false },
  'consent.refused': { version: 1, obey: true, forbid: true },
  'consent.withdrawn': { version: 1, obey: true, forbid: true },
  'consent.expired': { version: 1, obey: true, forbid: true },
  'objection.raised': { version: 1, obey: true, forbid: true },
  'objection.lifted': { version: 1, obey: true, forbid: false },
  'restriction.set': { version: 1, obey: true, forbid: true },
  'restriction.lifted': { version: 1, obey: true, forbid: false },
  'subject.linked': { version: 1, obey: false, forbid: false },
  'subject.unlinked': { version: 1, obey: false, forbid: false },
  'subject.erased': { version: 1, obey: false, forbid: false },
  'request.received': { version: 1, obey: false, forbid: false },
  'request.reopened': { version: 1, obey: false, forbid: false },
  'request.closed': { version: 1, obey: false, forbid: false },
  'propagation.late': { version: 1, obey: false, forbid: false },
} as const;

export type PublicType = keyof typeof publicEventTypes;

/** All types, in the order of the documentation. */
export const allTypes = Object.keys(publicEventTypes) as PublicType[];
/** What a system must obey. */
export const obeyTypes = allTypes.filter((type) => publicEventTypes[type].obey);
/** What a consumer gets that names no types. Requests and lateness are told only to those who ask for them. */
export const usualTypes = allTypes.filter((type) => !type.startsWith('request.') && type !== 'propagation.late');

/** An event as a consumer sees it; no identifiers, only the id that `POST /v1/consents` answered with. */
export interface PublicEvent {
  type: PublicType;
  version: number;
  position: number;
  /** RFC 3339, when Lethe knew. */
  time: string;
  /** Null when it concerns nobody in particular. */
  subject: string | null;
  /** The purpose it is about; null when it concerns the whole person. */
  purpose: string | null;
  data: JsonObject;
}

/** What the ledger's event alone does not say. */
export interface Context {
  /** Legal basis of a purpose as it stood at a position. */
  basisAt(purpose: string, position: number): string | undefined;
  /** The person a request is about. */
  subjectOf(requestId: string): string | undefined;
}

const INTERESTS = new Set(['legitimate-interest', 'public-task']);

/** Ledger types that have a public form. */
export const translatedTypes: ReadonlySet<string> = new Set([
  'ConsentRecorded.v1',
  'ConsentExpired.v1',
  'SubjectRestricted.v1',
  'SubjectRestrictionLifted.v1',
  'SubjectsLinked.v1',
  'SubjectsUnlinked.v1',
  'IdentityErased.v1',
  'RequestReceived.v1',
  'RequestReopened.v1',
  'RequestClosed.v1',
  'PropagationLate.v1',
]);

/** The public form of a ledger event; undefined for what stays inside. */
export function translate(event: StoredEvent, context: Context): PublicEvent | undefined {
  const said = body(event, context);
  if (!said) return undefined;
  const { position, recordedAt: time } = event;
  return { version: publicEventTypes[said.type].version, position, time, ...said };
}

type Said = Pick<PublicEvent, 'type' | 'subject' | 'purpose' | 'data'>;

function body({ type, data, position }: StoredEvent, context: Context): Said | undefined {
  const text = (name: string): string => data[name] as string;
  const person = (publicType: PublicType, subject: string, more: JsonObject = {}): Said => ({
    ...{ type: publicType, subject, purpose: null, data: more },
  });
  switch (type) {
    case 'ConsentRecorded.v1':
      return decision(data, context.basisAt(text('purpose'), position));
    case 'ConsentExpired.v1': {
      const { purpose, channel, expiredAt } = data as { purpose: string; channel: string | null; expiredAt: string };
      const more = { purpose, channel, expiredAt };
      return { type: 'consent.expired', subject: text('subject'), purpose, data: more };
    }
    // The ground stays inside: why a person is restricted is nobody else's business.
    case 'SubjectRestricted.v1':
      return person('restriction.set', text('subjectId'), { restrictionId: text('restrictionId') });
    case 'SubjectRestrictionLifted.v1':
      return person('restriction.lifted', text('subjectId'), { restrictionId: text('restrictionId') });
    case 'SubjectsLinked.v1':
    case 'SubjectsUnlinked.v1': {
      const [one, other] = (data['subjectIds'] ?? []) as string[];
      if (one === undefined || other === undefined) return undefined;
      return person(type === 'SubjectsLinked.v1' ? 'subject.linked' : 'subject.unlinked', one, { with: other });
    }
    case 'IdentityErased.v1':
      return person('subject.erased', text('subjectId'));
    default:
      return caseOrLateness(type, data, context);
  }
}

function caseOrLateness(type: string, data: JsonObject, context: Context): Said | undefined {
  const requestId = data['requestId'] as string;
  const about = (publicType: PublicType, subject: string | undefined, more: JsonObject = {}): Said => ({
    ...{ type: publicType, subject: subject ?? null, purpose: null, data: { requestId, ...more } },
  });
  switch (type) {
    case 'RequestReceived.v1':
      return about('request.received', data['subjectId'] as string, { type: data['type'] ?? null });
    case 'RequestReopened.v1':
      return about('request.reopened', context.subjectOf(requestId));
    case 'RequestClosed.v1':
      return about('request.closed', context.subjectOf(requestId), { resolution: data['resolution'] ?? null });
    case 'PropagationLate.v1': {
      const { systemId, position, dueAt, subject } = data as Record<string, string | number>;
      const more = { systemId: String(systemId), changePosition: Number(position), dueAt: String(dueAt) };
      return { type: 'propagation.late', subject: String(subject), purpose: null, data: more };
    }
    default:
      return undefined;
  }
}

function decision(data: JsonObject, basis: string | undefined): Said {
  const {
    subject,
    purpose,
    decision: decided,
    channel,
    collectedAt,
    expiresAt,
    imported,
    id,
  } = data as {
    [name: string]: string | null;
  } & { purpose: string; decision: 'given' | 'refused' | 'withdrawn'; imported: never };
  // GDPR 21(1): against an interest a person objects; there was no consent to refuse or withdraw.
  const objecting = basis !== undefined && INTERESTS.has(basis);
  const objection = decided === 'given' ? 'objection.lifted' : 'objection.raised';
  return {
    type: objecting ? objection : `consent.${decided}`,
    subject: String(subject),
    purpose,
    data: {
      ...{ recordId: id ?? null, purpose, channel: channel ?? null, collectedAt: collectedAt ?? null },
      ...{ validUntil: decided === 'given' ? (expiresAt ?? null) : null, imported },
    },
  };
}
