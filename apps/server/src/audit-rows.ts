/** Looks for rows that decisions are read from and that are not what their leaves say. */
import type { TenantId } from '#kernel';
import { auditConsents } from '#consent';
import type { Database, LogFault } from '#ledger';
import { auditMembers } from '#tenancy';

/** `from`: the leaf to begin at, of what grows; from 0 everything is compared. Only by the word of a sound log. */
export async function auditRows(database: Database, tenant: TenantId, from: number): Promise<LogFault[]> {
  return [...(await auditMembers(database, tenant)), ...(await auditConsents(database, tenant, from))];
}
