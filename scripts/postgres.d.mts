// Types of the PostgreSQL launcher for the TypeScript that imports it.

export interface StartPostgresOptions {
  /** Folder for cluster, password, log and notes; created with mode 0700 when missing. */
  readonly dataDir: string;
  /** Wished port; the one of the last start, else any free one. A taken port is replaced by a free one. */
  readonly port?: number;
  /** PostgreSQL settings (`-c name=value`), over the launcher's own. A reused server keeps the settings it was started with. */
  readonly settings?: Readonly<Record<string, string>>;
  /** No fsync: for tests only, a crash of the machine loses data. */
  readonly fast?: boolean;
  /** Told one line a step. */
  readonly log?: (line: string) => void;
}

export interface RunningPostgres {
  /** Superuser `postgres` on 127.0.0.1, database `postgres`; contains the password, never print it. */
  readonly url: string;
  readonly port: number;
  /** Process id of the postmaster. */
  readonly pid: number;
  readonly dataDir: string;
  /** It was running already: left behind by a killed parent, or started by another living process. */
  readonly reused: boolean;
  /** False when another living process started it; `stop` then leaves it running. */
  readonly owned: boolean;
  /** Set when root had to place the cluster elsewhere because no other user can reach `dataDir`. */
  readonly movedTo?: string;
  /** `fast` ends sessions and writes a checkpoint; `immediate` is a crash on purpose. Resolves when the process is gone. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

/**
 * Starts PostgreSQL, or takes over the one that runs on `dataDir` and accepts our password. When this process exits without
 * `stop`, the server is told to shut down; after a `kill -9` it stays and the next start reuses it.
 * @throws Error with a sentence for the operator: foreign owner of the folder, no binaries, initdb or start failed.
 */
export function startPostgres(options: StartPostgresOptions): Promise<RunningPostgres>;
