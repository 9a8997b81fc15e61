/** After a restore: the seal over a tenant's suppressions, which comes from another moment than the rows, is written anew. */
import type { TenantId } from '#kernel';
import type { ArchiveFiles } from '#ledger';
import type { PlatformParts } from '#platform';
import { auditSuppressions, neverSealed, sealSuppressions } from '#subjects';
import { bringBackKept, hasKeptCopy } from '../../server/src/kept-archive.js';

/**
 * `sound`: nothing to do. `sealed`: every row has its own seal and none of the archive's copy is missing. `unproven`: without
 * that copy nobody can say whether one is missing. `changed`: a row is not as it was sealed. Only `sealed` writes.
 */
export type Resealed = 'sound' | 'sealed' | 'unproven' | 'changed';

/** Errors: `ArchiveDamaged`. */
export async function resealSuppressions(
  parts: PlatformParts,
  archive: ArchiveFiles | undefined,
  tenant: TenantId,
): Promise<Resealed> {
  const { keystoreDatabase, keys } = parts;
  const copied = archive !== undefined && (await hasKeptCopy(archive, tenant));
  if (copied) await bringBackKept(parts, archive, tenant);
  const faults = await auditSuppressions(keystoreDatabase, keys, tenant);
  if (faults.length === 0) return 'sound';
  // A backup of a build before there were seals is sealed as it came: nothing is served until its operator has ended this.
  const old = (await neverSealed(keystoreDatabase, tenant)) && faults.every(({ what }) => what === 'not-sealed');
  if (!old && faults.some(({ row }) => row !== null)) return 'changed';
  if (!old && !copied) return 'unproven';
  await sealSuppressions(keystoreDatabase, keys, tenant);
  return 'sealed';
}

/** What an operator reads; undefined when there is nothing to say. */
export function sayResealed(tenant: TenantId, resealed: Resealed): string | undefined {
  switch (resealed) {
    case 'sound':
    case 'sealed':
      return undefined;
    case 'unproven':
      return `The suppressions of tenant ${tenant} cannot be compared with an archive. Look, then run lethe verify-store --accept-suppressions.`;
    case 'changed':
      return `Suppressions of tenant ${tenant} are not as they were sealed; the quarantine stays. Run lethe verify-store, look, then lethe verify-store --accept-suppressions, and repeat.`;
  }
}
