/** Looks for rows that decisions are read from and that are not what their leaves say. */
import type { TenantId } from '#kernel';
import { auditConsents } from '#consent';
import type { Database, LogFault } from '#ledger';

/** `from`: the leaf to begin at; from 0 everything is compared. Only by the word of a sound log. */
export async function auditRows(database: Database, tenant: TenantId, from: number): Promise<LogFault[]> {
  return auditConsents(database, tenant, from);
}
