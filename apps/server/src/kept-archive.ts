/** Suppressions and certificates, copied to the archive as they come: a lost key store must not forget who must not come back. */
import { createHash } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Housekeeping } from '#jobs';
import type { TenantId } from '#kernel';
import { ArchiveFiles, Database, openArchive, unseal } from '#ledger';
import { CONFIG, type Config, type KeyProvider, type PlatformParts } from '#platform';
import { KeyStore } from '#subjects';
import { Tenants } from '#tenancy';

/** Tables that a restore never rolls back, and the database of each. */
const KEPT = [
  { table: 'certificate', of: 'database' },
  { table: 'suppression', of: 'keystoreDatabase' },
] as const;

const EVERY_MS = 10_000;

/** Writes a copy whenever something has changed. What has expired is not in the next copy. */
@Injectable()
export class KeptArchive implements OnModuleInit {
  private readonly written = new Map<string, string>();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly chores: Housekeeping,
    private readonly tenants: Tenants,
    private readonly database: Database,
    private readonly keyStore: KeyStore,
  ) {}

  onModuleInit(): void {
    const { LETHE_ARCHIVE_URL: url } = this.config;
    if (url === undefined) return;
    const files = openArchive(url);
    this.chores.every('archive-kept', EVERY_MS, async () => {
      for (const { id } of await this.tenants.all()) await this.copy(files, id);
    });
  }

  private async copy(files: ArchiveFiles, tenant: TenantId): Promise<void> {
    const databases = { database: this.database, keystoreDatabase: this.keyStore.database };
    for (const { table, of } of KEPT) {
      const text = await rowsOf(databases[of], tenant, table);
      const name = nameOf(tenant, table);
      const hash = createHash('sha256').update(text).digest('hex');
      if (this.written.get(name) === hash) continue;
      await files.write(name, `${sealOf(this.keyStore.provider)(tenant, text)} ${text}`);
      this.written.set(name, hash);
    }
  }
}

/** Adds what the last copy holds and the databases lack; what they have stays. Returns how many rows. Errors: `ArchiveDamaged`. */
export async function bringBackKept(parts: PlatformParts, files: ArchiveFiles, tenant: TenantId): Promise<number> {
  let added = 0;
  for (const { table, of } of KEPT) {
    const sealed = (await files.read(nameOf(tenant, table)))?.toString('utf8');
    if (sealed === undefined) continue;
    const rows = unseal(sealed, tenant, sealOf(parts.keys));
    const text = `INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1::json) ON CONFLICT DO NOTHING`;
    const { rowCount } = await parts[of].transaction(tenant, (query) => query({ text, values: [rows] }));
    added += rowCount ?? 0;
  }
  return added;
}

/** True when the archive has a copy of the tenant's suppressions. */
export async function hasKeptCopy(files: ArchiveFiles, tenant: TenantId): Promise<boolean> {
  return (await files.read(nameOf(tenant, 'suppression'))) !== undefined;
}

function nameOf(tenant: TenantId, table: string): string {
  return `kept/${tenant}/${table}.json`;
}

function sealOf(keys: KeyProvider): (tenant: TenantId, text: string) => string {
  return (tenant, text) => keys.mac(tenant, 'item', `archive|${text}`).toString('hex');
}

async function rowsOf(database: Database, tenant: TenantId, table: string): Promise<string> {
  const { rows } = await database.fetch<{ rows: string }>(tenant, {
    text: `SELECT COALESCE(json_agg(t ORDER BY t), '[]')::text AS rows FROM ${table} t WHERE tenant = $1`,
    values: [tenant],
  });
  return (rows[0]?.rows ?? '[]').replaceAll('\n', '');
}
