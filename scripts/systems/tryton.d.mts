// Types of the Tryton launcher for the TypeScript that imports it.

export interface RunningTryton {
  /** Address of the server, such as http://127.0.0.1:8000. */
  readonly url: string;
  readonly database: string;
  /** Login of a user with the least rights that work: Party Administration, Sales, Accounting. */
  readonly user: string;
  readonly password: string;
  /** PostgreSQL address of Tryton's own database, for looking behind its API; contains a password. */
  readonly storage: string;
  /** Ids and Tryton's party codes of the seeded people. */
  readonly parties: Readonly<Record<string, { readonly id: number; readonly code: string }>>;
  /** Ids of the seeded sales. */
  readonly sales: Readonly<Record<string, number>>;
  /** Series of the server, such as 8.2. */
  readonly version: string;
  /** The database was seeded in this run, not copied from the cache. */
  readonly fresh: boolean;
  /** Seconds each step took. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Ends the server and its PostgreSQL, and drops this run's database; the cache stays. */
  stop(): Promise<void>;
}

/**
 * Installs Tryton from PyPI into `cacheDir` when it is not there, seeds a database once, and serves a copy of it on 127.0.0.1.
 * Needs python3 with venv. @throws Error with the end of the failing program's output.
 */
export function startTryton(options: {
  readonly cacheDir: string;
  readonly log?: (line: string) => void;
}): Promise<RunningTryton>;
