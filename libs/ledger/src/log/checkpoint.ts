/** Checkpoints (c2sp.org/tlog-checkpoint@v1.0.0): a log's size and root as a signed note that anyone can keep. */
import { HASH_SIZE } from './merkle.js';
import { decodeBase64, decodeDecimal } from './base64.js';
import { NoteRefused, signNote, verifyNote } from './signed-note.js';
import type { NoteKey, NoteSignature, NoteSigner } from './signed-note.js';

/** What a checkpoint states. */
export interface Checkpoint {
  /** The log's name in the world: `<log name>/<log id>`. */
  readonly origin: string;
  /** Number of leaves. */
  readonly size: number;
  /** Root of the tree of that size, 32 bytes. */
  readonly root: Buffer;
  /** Opaque lines; the standard discourages them, so Lethe writes none. */
  readonly extensions?: readonly string[];
}

/** A checkpoint whose signature by the log was verified. */
export interface OpenedCheckpoint extends Checkpoint {
  /** The signed text, which witnesses cosign. */
  readonly text: string;
  /** All verified signatures, witnesses with their time. */
  readonly signatures: readonly NoteSignature[];
}

/** The origin of a tenant's log. */
export function originOf(logName: string, logId: string): string {
  return `${logName}/${logId}`;
}

/** The note text of a checkpoint. Throws NoteRefused for an empty origin, a root of another size or an empty extension. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const lines = [checkpoint.origin, String(checkpoint.size), checkpoint.root.toString('base64')];
  const text = `${[...lines, ...(checkpoint.extensions ?? [])].join('\n')}\n`;
  parseCheckpoint(text);
  return text;
}

/** Reads a checkpoint's note text. Throws NoteRefused. It says nothing about signatures: use `openCheckpoint`. */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n');
  const [origin = '', sizeLine = '', rootLine = '', ...extensions] = lines.slice(0, -1);
  const size = decodeDecimal(sizeLine);
  const root = decodeBase64(rootLine);
  const wellFormed = lines.at(-1) === '' && origin !== '' && extensions.every((line) => line !== '');
  if (!wellFormed || size === undefined || root?.length !== HASH_SIZE) {
    throw new NoteRefused('note-malformed', 'a checkpoint is an origin, a size and a root, a line each');
  }
  return { origin, size, root, ...(extensions.length > 0 ? { extensions } : {}) };
}

/** Signs a checkpoint. The signer's name must be the origin, as verifiers expect. */
export async function signCheckpoint(checkpoint: Checkpoint, signer: NoteSigner): Promise<string> {
  if (signer.name !== checkpoint.origin) throw new NoteRefused('note-malformed', 'a log signs under its origin');
  return signNote(formatCheckpoint(checkpoint), signer);
}

/**
 * Opens a signed checkpoint: the log's key must have signed it and its name must be the origin (a key of another log
 * proves nothing here). Witness keys are verified where they stand on the note. Throws NoteRefused.
 */
export function openCheckpoint(
  note: string,
  logKey: NoteKey,
  witnesses: readonly (NoteKey | string)[] = [],
): OpenedCheckpoint {
  const { text, signatures } = verifyNote(note, [logKey, ...witnesses]);
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.origin !== logKey.name || !signatures.some(({ key }) => key === logKey)) {
    throw new NoteRefused('note-unsigned', 'the log of this checkpoint has not signed it');
  }
  return { ...checkpoint, text, signatures };
}
