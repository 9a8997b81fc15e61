/** Whether this process can do its work, and if not, every reason by a stable code. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '#kernel';
import { DatabaseUnavailable, type Database } from '#ledger';
import { unsafeRole, type PlatformParts } from '#platform';

/** One reason not to send calls here; `code` is stable, `detail` says what to do. */
export interface Unready {
  code: string;
  detail: string;
}

/** A database that needs longer for `SELECT 1` makes callers wait too long as well. */
const PATIENCE_MS = 2_000;
const RETRY_AFTER_S = 5;

/** Everything that is wrong at the moment, worst first; empty when ready. */
export async function reasonsNotReady({
  database,
  keystoreDatabase,
  signer,
  state,
}: Pick<PlatformParts, 'database' | 'keystoreDatabase' | 'signer' | 'state'>): Promise<Unready[]> {
  const refusals = state.refusals.map(({ code, detail }) => ({ code, detail }));
  const [ledger, keystore] = await Promise.all([ledgerReason(database), keystoreReason(keystoreDatabase)]);
  const { trouble } = signer;
  const unsigned = trouble && {
    code: trouble,
    detail:
      'A log contradicts its last signed head, or cannot be signed. Restore the database or the key; see the process log.',
  };
  const known = new Set(refusals.map(({ code }) => code as string));
  return [...refusals, ...ledger, ...keystore, ...(unsigned && !known.has(unsigned.code) ? [unsigned] : [])];
}

/** Errors: 503 with the worst code, all of them under `reasons`, and Retry-After. */
export async function assertReady(parts: Parameters<typeof reasonsNotReady>[0]): Promise<void> {
  const reasons = await reasonsNotReady(parts);
  const [worst] = reasons;
  if (!worst) return;
  const detail = `Not serving: ${worst.detail}`;
  throw new DomainError(503, worst.code, { detail, retryable: true, retryAfter: RETRY_AFTER_S, extra: { reasons } });
}

async function ledgerReason(database: Database): Promise<Unready[]> {
  try {
    return await roleReason(database, 'ledger');
  } catch {
    return [{ code: 'database-unavailable', detail: 'the database of the ledger does not answer.' }];
  }
}

async function keystoreReason(keystore: Database): Promise<Unready[]> {
  try {
    return await roleReason(keystore, 'key store');
  } catch {
    return [{ code: 'keystore-unavailable', detail: 'the database of the key store does not answer.' }];
  }
}

async function roleReason(database: Database, what: string): Promise<Unready[]> {
  const unsafe = await inTime(unsafeRole((text) => database.global({ text })));
  if (!unsafe) return [];
  const detail = `${unsafe} of the ${what}. Connect as a role that owns nothing (lethe bootstrap creates one).`;
  return [{ code: 'unsafe-database-role', detail }];
}

/** A frozen server refuses nothing, so a clock on this side must. */
async function inTime<T>(asked: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const late = sleep(PATIENCE_MS, undefined, { signal: stop.signal }).then(() => {
    throw new DatabaseUnavailable('no answer in time');
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    late.catch(() => undefined);
    stop.abort();
  }
}
