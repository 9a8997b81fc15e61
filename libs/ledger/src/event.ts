/** Events as they are handed in, as they are stored, and the canonical leaf whose bytes are sealed. */
import { canonicalize, type JsonObject, type TenantId } from '#kernel';

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

/** True when some loaded domain declared the type. */
export function isKnownEvent(type: string): boolean {
  return known.has(type);
}
