/** The log as an auditor reads it: entries, tiles, roots, proofs and the checkpoints that seal them. */
import { DomainError, type TenantId } from '#kernel';
import { originOf } from './checkpoint.js';
import type { Database, Query } from '../database/database.js';
import { readHead } from '../ledger.queries.js';
import {
  readCheckpointOver,
  readEntries,
  readLatestCheckpoint,
  readLeafHashes,
  readTiles,
  type LogEntry,
  type StoredCheckpoint,
} from './log.queries.js';
import { consistencyProof, inclusionProof, rootAt } from './merkle-proof.js';
import { rangeHashes, type SubtreeSource } from './merkle-range.js';
import { logKeysOf, readSigningKeys, type LogKey, type LogKeys } from './log-keys.js';
import { TILE_WIDTH, type TileName } from './tile.js';
import { formatTlogProof } from './tlog-proof.js';

/** Who a log is, for people outside. */
export interface LogIdentity {
  logId: string;
  epoch: number;
  /** First line of every checkpoint: `<log name>/<logId>`. */
  origin: string;
  /** Verifier key (c2sp.org/signed-note); auditors should get it on another way as well. */
  vkey: string;
  /** Number of entries now; the last checkpoint may cover fewer. */
  size: number;
}

const PATIENCE_MS = 3000;
const LOOK_MS = 40;

/** Reads of one database's logs. `logName` is the stable name in every origin (`LETHE_LOG_NAME`). */
export class LogReader {
  constructor(
    private readonly database: Database,
    private readonly logName: string,
    private readonly keys: LogKeys,
  ) {}

  /** Errors: `UnknownTenant`. */
  async identity(tenant: TenantId): Promise<LogIdentity> {
    const { logId, epoch, origin, size, keys } = await this.keyring(tenant);
    return { logId, epoch, origin, vkey: keys.at(-1)?.vkey ?? '', size };
  }

  /** Every key the log was and is signed with, the first one first. Errors: `UnknownTenant`. */
  async logKeys(tenant: TenantId): Promise<LogKey[]> {
    return (await this.keyring(tenant)).keys;
  }

  /** Public key of the generation after the newest one: committed in the log, used by nobody yet. */
  async successor(tenant: TenantId): Promise<LogKey> {
    const { origin, keys } = await this.keyring(tenant);
    const generation = (keys.at(-1)?.generation ?? 1) + 1;
    const [key] = logKeysOf(origin, await this.keys.publicKey(tenant, generation), []);
    if (!key) throw new Error('a log has at least one key');
    return { ...key, generation };
  }

  private async keyring(
    tenant: TenantId,
  ): Promise<{ logId: string; epoch: number; origin: string; size: number; keys: LogKey[] }> {
    const [{ log_id: logId, epoch, size }, first, rotated] = await Promise.all([
      readHead(this.database, tenant),
      this.keys.publicKey(tenant, 1),
      readSigningKeys(this.query(tenant), tenant, 'log'),
    ]);
    const origin = originOf(this.logName, logId);
    return { logId, epoch, origin, size, keys: logKeysOf(origin, first, rotated) };
  }

  /** Entries from position `start` on, at most `count`, in order. */
  entries(tenant: TenantId, start: number, count: number): Promise<LogEntry[]> {
    return readEntries(this.query(tenant), tenant, start, count);
  }

  /** One entry, or undefined beyond the end. */
  async entry(tenant: TenantId, position: number): Promise<LogEntry | undefined> {
    return (await this.entries(tenant, position, 1))[0];
  }

  /** Root of the first `size` leaves, computed from what is stored. Errors: RangeError; Error when leaves are missing. */
  root(tenant: TenantId, size: number): Promise<Buffer> {
    return rootAt(this.source(tenant), size);
  }

  /** Audit path of a leaf in the tree of `size` leaves (RFC 6962 section 2.1.1). Errors: RangeError. */
  inclusion(tenant: TenantId, position: number, size: number): Promise<Buffer[]> {
    return inclusionProof(this.source(tenant), position, size);
  }

  /** Consistency proof between two sizes of the log (RFC 6962 section 2.1.2). Errors: RangeError. */
  consistency(tenant: TenantId, from: number, to: number): Promise<Buffer[]> {
    return consistencyProof(this.source(tenant), from, to);
  }

  /** Hashes of a tile of hashes; the caller has checked that the log has that many. */
  tile(tenant: TenantId, level: number, index: number, width: TileName['width']): Promise<Buffer[]> {
    const span = TILE_WIDTH ** level;
    const first = index * TILE_WIDTH;
    const ranges = Array.from({ length: width }, (_, at) => ({
      start: (first + at) * span,
      end: (first + at + 1) * span,
    }));
    return rangeHashes(this.source(tenant), ranges);
  }

  /** The newest published checkpoint, of those over at most `upTo` entries; undefined before the first. */
  latestCheckpoint(tenant: TenantId, upTo?: number): Promise<StoredCheckpoint | undefined> {
    return readLatestCheckpoint(this.query(tenant), tenant, upTo);
  }

  /**
   * The smallest published checkpoint that covers a position and is signed with the log's newest key, so that one key is
   * enough to check what is handed out; waits for the signer, who signs at least once a second.
   * Errors: 503 `checkpoint-not-signed` when none covers it after `patienceMs`.
   */
  async checkpointFor(tenant: TenantId, position: number, patienceMs = PATIENCE_MS): Promise<StoredCheckpoint> {
    const { fromSize } = (await this.logKeys(tenant)).at(-1) ?? { fromSize: 0 };
    const last = Math.max(position, fromSize - 1);
    for (const end = Date.now() + patienceMs; ; await new Promise((resolve) => setTimeout(resolve, LOOK_MS))) {
      const checkpoint = await readCheckpointOver(this.query(tenant), tenant, last);
      if (checkpoint) return checkpoint;
      if (Date.now() >= end) throw notSigned();
    }
  }

  /** The proof file of an entry (c2sp.org/tlog-proof): audit path and checkpoint. Errors: those of `checkpointFor`. */
  async proof(tenant: TenantId, position: number): Promise<string> {
    const { size, note } = await this.checkpointFor(tenant, position);
    return formatTlogProof({ index: position, hashes: await this.inclusion(tenant, position, size), checkpoint: note });
  }

  /** Where the hashes of proofs come from: tiles where they are written, leaves at the edge. */
  private source(tenant: TenantId): SubtreeSource {
    const query = this.query(tenant);
    return {
      leafHashes: (start, count) => leavesFromTiles(query, tenant, start, count),
      subtrees: async (level, start, count) => {
        const row = level / 8;
        const last = Math.floor((start + count - 1) / TILE_WIDTH);
        const tiles = await readTiles(query, tenant, row, Math.floor(start / TILE_WIDTH), last);
        const byIndex = new Map(tiles.map(({ index, hashes }) => [index, hashes]));
        return numbers(start, count).map((at) => byIndex.get(Math.floor(at / TILE_WIDTH))?.[at % TILE_WIDTH]);
      },
    };
  }

  private query(tenant: TenantId): Query {
    return (statement) => this.database.fetch(tenant, statement);
  }
}

async function leavesFromTiles(query: Query, tenant: TenantId, start: number, count: number): Promise<Buffer[]> {
  const first = Math.floor(start / TILE_WIDTH);
  const last = Math.floor((start + count - 1) / TILE_WIDTH);
  const tiles = new Map((await readTiles(query, tenant, 0, first, last)).map(({ index, hashes }) => [index, hashes]));
  // Tiles are written in order, so what is missing is one stretch at the end.
  let tiled = first;
  while (tiled <= last && tiles.get(tiled)?.length === TILE_WIDTH) tiled += 1;
  const edge = Math.max(start, tiled * TILE_WIDTH);
  const end = start + count;
  const rest = edge < end ? await readLeafHashes(query, tenant, edge, end - edge) : [];
  const stored = numbers(start, Math.min(edge, end) - start).map(
    (at) => tiles.get(Math.floor(at / TILE_WIDTH))?.[at % TILE_WIDTH],
  );
  return [...stored.filter((hash) => hash !== undefined), ...rest];
}

function numbers(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => start + at);
}

function notSigned(): DomainError {
  return new DomainError(503, 'checkpoint-not-signed', {
    detail: 'No signed checkpoint covers this yet. The signer publishes every second; repeat, or ask the operator.',
    retryable: true,
    retryAfter: 1,
  });
}
