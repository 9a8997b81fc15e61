/** Proof files (c2sp.org/tlog-proof@v1): an inclusion proof with its signed checkpoint, to be checked offline. */
import { HASH_SIZE, leafHash } from './merkle.js';
import { verifyInclusion } from './merkle-proof.js';
import { decodeBase64, decodeDecimal } from './base64.js';
import { openCheckpoint } from './checkpoint.js';
import type { OpenedCheckpoint } from './checkpoint.js';
import { NoteRefused } from './signed-note.js';
import type { NoteKey } from './signed-note.js';

const HEADER = 'c2sp.org/tlog-proof@v1';

/** The content of a proof file. */
export interface TlogProof {
  /** Position of the entry, from 0. */
  readonly index: number;
  /** Inclusion proof, the leaf's sibling first. */
  readonly hashes: readonly Buffer[];
  /** The signed checkpoint, verbatim. */
  readonly checkpoint: string;
  /** Opaque bytes that nothing authenticates. */
  readonly extra?: Buffer;
}

/** The text of a proof file. */
export function formatTlogProof(proof: TlogProof): string {
  const extra = proof.extra === undefined ? [] : [`extra ${proof.extra.toString('base64')}`];
  const hashes = proof.hashes.map((hash) => hash.toString('base64'));
  return [HEADER, ...extra, `index ${proof.index}`, ...hashes, '', proof.checkpoint].join('\n');
}

/** Reads a proof file; nothing is verified yet. Throws NoteRefused. */
export function parseTlogProof(text: string): TlogProof {
  const border = text.indexOf('\n\n');
  const [header, ...lines] = text.slice(0, border).split('\n');
  const extraLine = lines[0]?.startsWith('extra ') === true ? lines.shift() : undefined;
  const extra = extraLine === undefined ? undefined : decodeBase64(extraLine.slice('extra '.length));
  const indexLine = lines.shift() ?? '';
  const index = indexLine.startsWith('index ') ? decodeDecimal(indexLine.slice('index '.length)) : undefined;
  const hashes = lines.map(decodeBase64).filter((hash): hash is Buffer => hash?.length === HASH_SIZE);
  const broken = (extraLine !== undefined && extra === undefined) || hashes.length !== lines.length;
  if (border < 0 || header !== HEADER || index === undefined || broken) {
    throw new NoteRefused('note-malformed', 'not a proof file of c2sp.org/tlog-proof@v1');
  }
  return { index, hashes, checkpoint: text.slice(border + 2), ...(extra === undefined ? {} : { extra }) };
}

/**
 * Verifies a proof file for an entry's stored bytes under the log's key: leaf hash, path to the root, signature on the
 * checkpoint. Throws NoteRefused; otherwise says where the entry stands and in which checkpoint.
 */
export function verifyTlogProof(
  text: string,
  bytes: Buffer,
  logKey: NoteKey,
): { index: number; checkpoint: OpenedCheckpoint } {
  const proof = parseTlogProof(text);
  const checkpoint = openCheckpoint(proof.checkpoint, logKey);
  if (!verifyInclusion(leafHash(bytes), proof.index, checkpoint.size, proof.hashes, checkpoint.root)) {
    throw new NoteRefused('note-signature-wrong', 'the entry is not under the root of the checkpoint');
  }
  return { index: proof.index, checkpoint };
}
