/** Events as they are handed in, as they are stored, and the canonical leaf whose bytes are sealed. */
import { canonicalize, DomainError, type JsonObject, type TenantId } from '#kernel';
import { MAX_ENTRY_LENGTH } from './log/tile.js';

/** Version of the leaf's shape. It can never change for a stored leaf; a new shape gets a new number. */
export const LEAF_FORMAT = 1;

/** A fact to record. `type` is past tense with its version, e.g. `ConsentRecorded.v1`; personal data only as ciphertext. */
export interface NewEvent {
  stream: string;
  type: string;
  data: JsonObject;
  /** When it happened in the world; the flush's time when absent. */
  occurredAt?: Date;
}

/** A recorded fact. `position` is the 0-based index of its leaf in the tenant's log. */
export interface StoredEvent<Data = JsonObject> {
  tenant: TenantId;
  position: number;
  stream: string;
  /** 1-based within the stream, dense. */
  version: number;
  type: string;
  occurredAt: string;
  recordedAt: string;
  /** Pseudonym of who did it; resolved by tenancy under a key. */
  actorRef: string;
  data: Data;
}

/** RFC 8785 text of a leaf: what the leaf hash covers, and what is stored, byte for byte. */
export function leafText(event: Omit<StoredEvent, 'position'>): string {
  return canonicalize({
    v: LEAF_FORMAT,
    tenant: event.tenant,
    stream: event.stream,
    version: event.version,
    type: event.type,
    occurredAt: event.occurredAt,
    recordedAt: event.recordedAt,
    actorRef: event.actorRef,
    data: event.data,
  });
}

/** Everything of a leaf that is known before its place is: rendered and measured once, at the door. */
export interface DraftLeaf {
  stream: string;
  type: string;
  /** The leaf's text in four pieces; `finishLeaf` puts `recordedAt` and `version` between them. */
  pieces: readonly [string, string, string, string];
}

/** Version of a stream as an int4, and an instant: the longest texts that `finishLeaf` adds. */
const LONGEST_ADDITIONS = 10 + 24;

/** A leaf with more bytes than a log entry may have (c2sp.org/tlog-tiles). */
export class EventTooLarge extends DomainError {
  constructor() {
    super(422, 'event-too-large', `One record has more than ${MAX_ENTRY_LENGTH} bytes. Send less at once.`);
  }
}

/** Drafts a leaf. Throws `NotCanonical` and `EventTooLarge`: what gets past here cannot poison a batch by its text. */
export function draftLeaf(tenant: TenantId, actorRef: string, event: NewEvent): DraftLeaf {
  const { stream, type } = event;
  const occurredAt = event.occurredAt?.toISOString();
  // The members in the order of RFC 8785; equal to `leafText`, as its spec checks.
  const start = `{"actorRef":${canonicalize(actorRef)},"data":${canonicalize(event.data)},"occurredAt":"`;
  const upToRecorded = occurredAt === undefined ? '' : `${occurredAt}","recordedAt":"`;
  const middle = `","stream":${canonicalize(stream)},"tenant":"${tenant}","type":${canonicalize(type)},"v":${LEAF_FORMAT},"version":`;
  const pieces = [start, upToRecorded, middle, '}'] as const;
  const length = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), LONGEST_ADDITIONS);
  if (length + (occurredAt === undefined ? 40 : 0) > MAX_ENTRY_LENGTH) throw new EventTooLarge();
  return { stream, type, pieces };
}

/** The leaf's text, once its place is known. */
export function finishLeaf(draft: DraftLeaf, version: number, recordedAt: string): string {
  const [start, occurred, middle, end] = draft.pieces;
  const times = occurred === '' ? `${recordedAt}","recordedAt":"${recordedAt}` : occurred + recordedAt;
  return start + times + middle + String(version) + end;
}

/** Reads stored bytes back. Throws on a leaf format this build does not know: it must stop loudly, not guess. */
export function parseLeaf(position: number, bytes: string): StoredEvent {
  const leaf = JSON.parse(bytes) as StoredEvent & { v: number };
  if (leaf.v !== LEAF_FORMAT) throw new Error(`leaf ${position} has format ${leaf.v}; this build reads ${LEAF_FORMAT}`);
  const { v: _, ...event } = leaf;
  return { ...event, position };
}

/**
 * Registry of every event type this build knows. A subscription that meets another type stops loudly instead of
 * skipping a fact (notes: an unknown event type stops a projection).
 */
const known = new Set<string>();

/** Declares event types once, beside their union in the domain's noun file. */
export function declareEvents<const T extends string>(...types: T[]): readonly T[] {
  for (const type of types) known.add(type);
  return types;
}

/** Every type that a loaded domain declared, sorted. */
export function knownEvents(): string[] {
  return [...known].sort();
}

/** True when some loaded domain declared the type. */
export function isKnownEvent(type: string): boolean {
  return known.has(type);
}
