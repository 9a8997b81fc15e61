/** Suppressions and certificates, copied to the archive as they come: a lost key store must not forget who must not come back. */
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Housekeeping } from '#jobs';
import type { TenantId } from '#kernel';
import { ArchiveFiles, archiveSeal, Database, openArchive, unseal } from '#ledger';
import { CONFIG, type Config, type KeyProvider, type PlatformParts } from '#platform';
import { auditSuppressions, bringBackSuppressions, KeyStore } from '#subjects';
import { eachTenant, Tenants } from '#tenancy';

/** Tables that a restore never rolls back, and the database of each. */
const KEPT = [
  { table: 'certificate', of: 'database' },
  { table: 'suppression', of: 'keystoreDatabase' },
] as const;

const EVERY_MS = 10_000;
const DAY = 86_400_000;
/** Certificates read at once. */
const PAGE = 100;

/**
 * Copies what has changed since the last look, and looks cheaply: a certificate never changes and has a file of its own;
 * suppressions are written anew, without those that expired, when their seal is another one and they are sound, and never
 * fewer than the copy has: what they lack of it comes back first.
 */
@Injectable()
export class KeptArchive implements OnModuleInit {
  /** Seal over the suppressions that were copied last, by tenant. */
  private readonly sealed = new Map<TenantId, string>();
  /** Certificates that have a file, by tenant. */
  private readonly copied = new Map<TenantId, Set<string>>();

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
    this.chores.every('archive-kept', EVERY_MS, () => this.copyAll(files));
    this.chores.every('archive-swept', DAY, async (now) => void (await files.sweep(now)));
  }

  /** One look at every tenant. */
  copyAll(files: ArchiveFiles): Promise<void> {
    return eachTenant(this.tenants, async (tenant) => {
      await this.copySuppressions(files, tenant);
      await this.copyCertificates(files, tenant);
      await archiveSeal(files, this.database, tenant);
    });
  }

  private async copySuppressions(files: ArchiveFiles, tenant: TenantId): Promise<void> {
    // Before the rows: what changes in between is copied at the next look.
    const seal = await sealOfSuppressions(this.keyStore.database, tenant);
    if (seal === undefined || this.sealed.get(tenant) === seal) return;
    // The copy is what a damaged store is brought back from: the audit names the damage.
    const { database, provider } = this.keyStore;
    if ((await auditSuppressions(database, provider, tenant)).length > 0) return;
    // A key store that was set back is as soundly sealed as it was then: what the copy has of later must not be lost with it.
    const kept = await read(provider, files, tenant, nameOf(tenant, 'suppression'));
    if (kept !== undefined) await bringBackSuppressions(this.keyStore, tenant, kept);
    await this.write(files, tenant, nameOf(tenant, 'suppression'), await allRows(database, tenant));
    this.sealed.set(tenant, seal);
  }

  private async copyCertificates(files: ArchiveFiles, tenant: TenantId): Promise<void> {
    const copied = this.copied.get(tenant) ?? new Set(await copiedCertificates(files, tenant));
    this.copied.set(tenant, copied);
    const { rows } = await this.database.fetch<{ n: number }>(tenant, {
      name: 'certificates-count',
      text: 'SELECT count(*)::int AS n FROM certificate WHERE tenant = $1',
      values: [tenant],
    });
    if (rows[0]?.n === copied.size) return;
    const missing = (await certificateIds(this.database, tenant)).filter((id) => !copied.has(id));
    for (let from = 0; from < missing.length; from += PAGE)
      for (const { id, row } of await certificates(this.database, tenant, missing.slice(from, from + PAGE))) {
        await this.write(files, tenant, certificateName(tenant, id), `[${row}]`);
        copied.add(id);
      }
  }

  private write(files: ArchiveFiles, tenant: TenantId, name: string, text: string): Promise<void> {
    return files.write(name, `${sealOf(this.keyStore.provider)(tenant, text)} ${text}`);
  }
}

/** Adds what the last copy holds and the databases lack; what they have stays. Returns how many rows. Errors: `ArchiveDamaged`. */
export async function bringBackKept(parts: PlatformParts, files: ArchiveFiles, tenant: TenantId): Promise<number> {
  let added = 0;
  for (const { table, of } of KEPT)
    for (const name of await keptFiles(files, tenant, table)) {
      const rows = await read(parts.keys, files, tenant, name);
      if (rows === undefined) continue;
      const text = `INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1::json) ON CONFLICT DO NOTHING`;
      const { rowCount } = await parts[of].transaction(tenant, (query) => query({ text, values: [rows] }));
      added += rowCount ?? 0;
    }
  return added;
}

async function read(
  keys: KeyProvider,
  files: ArchiveFiles,
  tenant: TenantId,
  name: string,
): Promise<string | undefined> {
  const sealed = (await files.read(name))?.toString('utf8');
  return sealed === undefined ? undefined : unseal(sealed, tenant, sealOf(keys), name);
}

/** True when the archive has a copy of the tenant's suppressions. */
export async function hasKeptCopy(files: ArchiveFiles, tenant: TenantId): Promise<boolean> {
  return (await files.read(nameOf(tenant, 'suppression'))) !== undefined;
}

/** A build before this one kept all certificates in one file. */
async function keptFiles(files: ArchiveFiles, tenant: TenantId, table: string): Promise<string[]> {
  const single = nameOf(tenant, table);
  if (table !== 'certificate') return [single];
  return [single, ...(await copiedCertificates(files, tenant)).map((id) => certificateName(tenant, id))];
}

async function copiedCertificates(files: ArchiveFiles, tenant: TenantId): Promise<string[]> {
  return (await files.list(`kept/${tenant}/certificates`)).map((name) => name.replace(/\.json$/, ''));
}

function nameOf(tenant: TenantId, table: string): string {
  return `kept/${tenant}/${table}.json`;
}

function certificateName(tenant: TenantId, id: string): string {
  return `kept/${tenant}/certificates/${id}.json`;
}

function sealOf(keys: KeyProvider): (tenant: TenantId, text: string) => string {
  return (tenant, text) => keys.mac(tenant, 'item', `archive|${text}`).toString('hex');
}

/** Names the suppressions as they stand; undefined when they were never sealed. */
async function sealOfSuppressions(database: Database, tenant: TenantId): Promise<string | undefined> {
  const { rows } = await database.fetch<{ mac: string }>(tenant, {
    name: 'suppression-seal-mac',
    text: `SELECT encode(mac, 'hex') AS mac FROM suppression_seal WHERE tenant = $1`,
    values: [tenant],
  });
  return rows[0]?.mac;
}

async function allRows(database: Database, tenant: TenantId): Promise<string> {
  const { rows } = await database.fetch<{ rows: string }>(tenant, {
    text: `SELECT COALESCE(json_agg(t ORDER BY t), '[]')::text AS rows FROM suppression t WHERE tenant = $1`,
    values: [tenant],
  });
  return (rows[0]?.rows ?? '[]').replaceAll('\n', '');
}

async function certificateIds(database: Database, tenant: TenantId): Promise<string[]> {
  const { rows } = await database.fetch<{ id: string }>(tenant, {
    text: 'SELECT id FROM certificate WHERE tenant = $1 ORDER BY id',
    values: [tenant],
  });
  return rows.map(({ id }) => id);
}

async function certificates(
  database: Database,
  tenant: TenantId,
  ids: readonly string[],
): Promise<{ id: string; row: string }[]> {
  const { rows } = await database.fetch<{ id: string; row: string }>(tenant, {
    text: 'SELECT id, row_to_json(t)::text AS row FROM certificate t WHERE tenant = $1 AND id = ANY($2::uuid[])',
    values: [tenant, ids],
  });
  return rows.map(({ id, row }) => ({ id, row: row.replaceAll('\n', '') }));
}
