/** Parquet files as tables: read in place, and for a write copied, changed, and put back in one rename. */
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ConnectorError } from '@lethe/plugin-sdk';

interface Mounted {
  table: string;
  path: string;
  /** Set when the file is going to be rewritten. */
  staged?: string;
  stamp: string;
  before: number;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

async function stampOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (!found)
    throw new ConnectorError({ class: 'config', code: 'parquet-file-missing' }, 'A mapped Parquet file is not there.');
  return `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs}`;
}

function stopped(code: string, kind: 'transient' | 'permanent'): ConnectorError {
  return new ConnectorError({ class: kind, code }, `A Parquet file was not rewritten: ${code}.`);
}

/** The Parquet files of one call. */
export class ParquetFiles {
  private readonly mounted: Mounted[] = [];

  constructor(
    private readonly connection: DuckDBConnection,
    private readonly files: ReadonlyMap<string, string>,
    private readonly writes: readonly string[],
  ) {}

  /** Views for what is read, tables in memory for what will change. */
  async mount(): Promise<void> {
    for (const [table, path] of this.files) {
      const stamp = await stampOf(path);
      const kind = this.writes.includes(table) ? 'TABLE' : 'VIEW';
      await this.connection.run(`CREATE TEMP ${kind} ${quoted(table)} AS SELECT * FROM read_parquet(${literal(path)})`);
      const before = kind === 'TABLE' ? await this.count(quoted(table)) : 0;
      this.mounted.push({
        table,
        path,
        stamp,
        before,
        ...(kind === 'TABLE' ? { staged: `${path}.lethe-${process.pid}` } : {}),
      });
    }
  }

  /** Writes the new files beside the old ones, before anything is committed. */
  async stage(): Promise<void> {
    for (const { table, path, staged, before } of this.mounted) {
      if (staged === undefined) continue;
      const codec = await this.codec(path);
      await this.connection.run(`COPY ${quoted(table)} TO ${literal(staged)} (FORMAT parquet, COMPRESSION ${codec})`);
      const after = await this.count(`read_parquet(${literal(staged)})`);
      // Row guard: what is written must be what the engine left, and never more than there was.
      if (after !== (await this.count(quoted(table))) || after > before) throw stopped('row-count-guard', 'permanent');
      await synced(staged);
    }
  }

  /** Puts the new files in place; a file that somebody replaced meanwhile is left alone. */
  async replace(): Promise<void> {
    for (const { path, staged, stamp } of this.mounted) {
      if (staged === undefined) continue;
      if ((await stampOf(path)) !== stamp) throw stopped('file-changed', 'transient');
      const { mode } = await stat(path);
      const handle = await open(staged, 'r+');
      try {
        await handle.chmod(mode);
      } finally {
        await handle.close();
      }
      await rename(staged, path);
      await synced(dirname(path));
    }
  }

  async discard(): Promise<void> {
    for (const { staged } of this.mounted) if (staged !== undefined) await rm(staged, { force: true });
  }

  private async count(from: string): Promise<number> {
    const reader = await this.connection.runAndReadAll(`SELECT count(*)::INTEGER AS n FROM ${from}`);
    return Number(reader.getRowObjectsJson()[0]?.['n']);
  }

  private async codec(path: string): Promise<string> {
    const reader = await this.connection.runAndReadAll(
      `SELECT any_value(compression) AS codec FROM parquet_metadata(${literal(path)})`,
    );
    const codec = String(reader.getRowObjectsJson()[0]?.['codec'] ?? 'SNAPPY').toLowerCase();
    return ['snappy', 'zstd', 'gzip', 'lz4', 'lz4_raw', 'brotli', 'uncompressed'].includes(codec) ? codec : 'snappy';
  }
}

async function synced(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
