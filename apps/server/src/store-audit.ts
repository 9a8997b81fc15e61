/** Looks for what was changed behind the service's back: leaves, heads, suppressions, decisions. Names it, in log and metrics. */
import { Inject, Injectable } from '@nestjs/common';
import type { TenantId } from '#kernel';
import { auditLog, auditNewest, readOfType, type AuditParts, type LogFault } from '#ledger';
import { LOGGER, KeyProvider, type Logger } from '#platform';
import { ReplayKeys } from '#requests';
import { auditSuppressions, KeyStore, neverSealed, sealSuppressions } from '#subjects';
import { eachTenant, Tenants } from '#tenancy';
import { auditRows } from './audit-rows.js';

/** A fault, and whose it is. */
export interface StoreFault extends LogFault {
  tenant: TenantId;
}

/** Leaves that each start reads again. */
const NEWEST = 512;

@Injectable()
export class StoreAudit {
  /** Of the last audit, by tenant. */
  private readonly found = new Map<TenantId, StoreFault[]>();

  constructor(
    private readonly tenants: Tenants,
    private readonly keys: KeyProvider,
    private readonly keyStore: KeyStore,
    private readonly replay: ReplayKeys,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Faults that are known at the moment. */
  get faults(): StoreFault[] {
    return [...this.found.values()].flat();
  }

  /** `whole`: every leaf; otherwise the newest ones. Suppressions are always read whole. */
  async audit(parts: AuditParts, whole: boolean): Promise<StoreFault[]> {
    await eachTenant(this.tenants, (tenant) => this.auditTenant(parts, tenant, whole));
    return this.faults;
  }

  /** A quick one that holds up no start by failing: what it could not read is told, and read again by the whole one. */
  async look(parts: AuditParts): Promise<void> {
    await this.audit(parts, false).catch((error: unknown) =>
      this.log.error(
        { cause: (error as Error).name },
        'the store could not be audited: lethe verify-store looks again',
      ),
    );
  }

  /** Takes suppressions as they stand for sound: after a restore, once an operator has looked. */
  async acceptSuppressions(tenant: TenantId): Promise<number> {
    return sealSuppressions(this.keyStore.database, this.keys, tenant);
  }

  private async auditTenant(parts: AuditParts, tenant: TenantId, whole: boolean): Promise<void> {
    const vault = this.keyStore.database;
    const logFaults = whole ? await auditLog(parts, tenant) : await auditNewest(parts, tenant, NEWEST);
    const suppressions = (await auditSuppressions(vault, this.keys, tenant)).map(({ row, what }) =>
      row === null
        ? { where: 'suppressions', what: 'are not those that were sealed: one was removed or added' }
        : { where: `suppression ${row}`, what: what === 'changed' ? 'was changed' : 'was written by somebody else' },
    );
    if (whole && (await this.lacksSeal(parts, tenant)))
      suppressions.push({
        where: 'suppressions',
        what: 'have no seal, though the ledger says that some were recorded',
      });
    const beside = logFaults.length === 0 ? await this.auditBeside(parts, tenant, whole) : [];
    const faults = [...logFaults, ...suppressions, ...beside].map((fault) => ({ tenant, ...fault }));
    // A quick look takes back nothing that a whole one found.
    if (!whole && faults.length === 0 && this.found.has(tenant)) return;
    this.found.delete(tenant);
    if (faults.length > 0) this.found.set(tenant, faults);
    for (const fault of faults) this.log.error({ ...fault }, 'the store was tampered with: see docs/operations.md');
  }

  /** What is judged by the word of a sound log only. */
  private async auditBeside({ database, reader }: AuditParts, tenant: TenantId, whole: boolean): Promise<LogFault[]> {
    const from = whole ? 0 : Math.max(0, (await reader.identity(tenant)).size - NEWEST);
    return [...(await this.auditKeys(tenant, from)), ...(await auditRows(database, tenant, from))];
  }

  /** What destroys cannot be taken back. */
  private async auditKeys(tenant: TenantId, from: number): Promise<LogFault[]> {
    const back = await this.replay.revived(tenant, from);
    return back === 0
      ? []
      : [
          {
            where: 'key store',
            what: `was set back: ${back} keys that were destroyed were there, and are destroyed again`,
          },
        ];
  }

  /** A seal comes with the first suppression and never goes: what the key store has forgotten stands in the ledger. */
  private async lacksSeal({ database }: AuditParts, tenant: TenantId): Promise<boolean> {
    if (!(await neverSealed(this.keyStore.database, tenant))) return false;
    const recorded = await readOfType(database, tenant, 'SuppressionRecorded.v1');
    return recorded.some(({ data }) => Number(data['count']) > 0);
  }
}
