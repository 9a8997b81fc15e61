/** Seals over suppressions: one a row, and one a tenant over all of them, so that a changed, added or removed row shows. */
import { timingSafeEqual } from 'node:crypto';
import type { TenantId } from '#kernel';
import type { Database, Query } from '#ledger';
import type { KeyProvider } from '#platform';
import type { KeyStore } from '../keys/keystore.js';

/** What one seal covers. */
interface SealedRow {
  mac: Buffer;
  key_id: string;
  normaliser: number;
  scope_kind: string;
  scope: string;
  before: Date;
  expires_at: Date;
  created_on: string;
  row_mac: Buffer | null;
}

/** What is wrong; names a row by the first digits of its keyed hash, which lead to nobody. */
export interface SuppressionFault {
  row: string | null;
  what: 'changed' | 'not-sealed' | 'removed-or-added';
}

const COLUMNS = 'mac, key_id, normaliser, scope_kind, scope, before, expires_at, created_on, row_mac';
const MODULUS = 1n << 256n;
const WINDOW = 5_000;

/**
 * Runs a change of the suppressions with these keyed hashes and seals what it leaves. Changes of a tenant come one after
 * the other: the seal's row is locked first.
 */
export async function sealChange(
  query: Query,
  keys: KeyProvider,
  tenant: TenantId,
  macs: readonly Buffer[],
  change: () => Promise<unknown>,
): Promise<void> {
  await beginSeal(query, keys, tenant);
  const seal = await lockSeal(query, tenant);
  const before = await rowsOf(query, tenant, macs);
  await change();
  const after = await rowsOf(query, tenant, macs);
  const rowMacs = after.map((row) => rowMac(keys, tenant, row));
  await query({
    text: `UPDATE suppression s SET row_mac = n.seal FROM unnest($2::bytea[], $3::text[], $4::text[], $5::bytea[]) AS n(mac, kind, scope, seal)
           WHERE s.tenant = $1 AND s.mac = n.mac AND s.scope_kind = n.kind AND s.scope = n.scope`,
    values: [
      tenant,
      after.map((row) => row.mac),
      after.map((row) => row.scope_kind),
      after.map((row) => row.scope),
      rowMacs,
    ],
  });
  const rest = without(keys, tenant, seal, before);
  await moveSeal(query, keys, tenant, seal, { rows: rest.rows + after.length, sum: add(rest.sum, rowMacs) });
}

/** Deletes what has expired and takes it out of the seal. Returns how many rows. */
export async function forgetSealed(query: Query, keys: KeyProvider, tenant: TenantId, now: Date): Promise<number> {
  const seal = await lockSeal(query, tenant);
  const { rows } = await query<SealedRow>({
    text: `DELETE FROM suppression WHERE tenant = $1 AND expires_at <= $2 RETURNING ${COLUMNS}`,
    values: [tenant, now],
  });
  await moveSeal(query, keys, tenant, seal, without(keys, tenant, seal, rows));
  return rows.length;
}

/** Every fault among a tenant's suppressions; empty when all is as it was sealed. */
export async function auditSuppressions(
  database: Database,
  keys: KeyProvider,
  tenant: TenantId,
): Promise<SuppressionFault[]> {
  return database.transaction(
    tenant,
    async (query) => {
      const faults: SuppressionFault[] = [];
      let found = { rows: 0, sum: 0n };
      for await (const row of allRows(query, tenant)) {
        const wanted = rowMac(keys, tenant, row);
        const name = row.mac.toString('hex').slice(0, 12);
        if (row.row_mac === null) faults.push({ row: name, what: 'not-sealed' });
        else if (!wanted.equals(row.row_mac)) faults.push({ row: name, what: 'changed' });
        if (row.row_mac) found = { rows: found.rows + 1, sum: add(found.sum, [row.row_mac]) };
      }
      const seal = await readSeal(query, tenant);
      const sound =
        seal === NO_SEAL
          ? found.rows === 0
          : seal.rows === found.rows && seal.sum === found.sum && isOurs(keys, tenant, seal);
      return sound ? faults : [...faults, { row: null, what: 'removed-or-added' }];
    },
    true,
  );
}

/** Seals every row as it stands, when an operator takes it for sound: after a restore, or once he has looked. Returns how many. */
export async function sealSuppressions(database: Database, keys: KeyProvider, tenant: TenantId): Promise<number> {
  return database.transaction(tenant, async (query) => {
    await beginSeal(query, keys, tenant);
    await lockSeal(query, tenant);
    let found = { rows: 0, sum: 0n };
    for await (const row of allRows(query, tenant)) {
      const seal = rowMac(keys, tenant, row);
      await query({
        name: 'suppression-seal-row',
        text: 'UPDATE suppression SET row_mac = $5 WHERE tenant = $1 AND mac = $2 AND scope_kind = $3 AND scope = $4',
        values: [tenant, row.mac, row.scope_kind, row.scope, seal],
      });
      found = { rows: found.rows + 1, sum: add(found.sum, [seal]) };
    }
    await writeSeal(query, keys, tenant, found);
    return found.rows;
  });
}

/**
 * Adds what a copy of the suppressions (rows as JSON) has and the key store lacks, or has with an earlier end, and seals it
 * with the rest: suppressions are only ever extended until they expire. Returns of how many keyed hashes.
 */
export async function bringBackSuppressions(
  { database, provider, clock }: Pick<KeyStore, 'database' | 'provider' | 'clock'>,
  tenant: TenantId,
  copy: string,
): Promise<number> {
  const kept = `SELECT k.* FROM json_populate_recordset(NULL::suppression, $2::json) k LEFT JOIN suppression s USING (tenant, mac, scope_kind, scope)
                WHERE k.tenant = $1 AND k.expires_at > $3 AND (s.mac IS NULL OR s.before < k.before OR s.expires_at < k.expires_at)`;
  const values = [tenant, copy, clock.now()];
  return database.transaction(tenant, async (query) => {
    const { rows } = await query<{ mac: Buffer }>({ text: `SELECT DISTINCT mac FROM (${kept}) AS lost`, values });
    const macs = rows.map(({ mac }) => mac);
    if (macs.length === 0) return 0;
    const text = `INSERT INTO suppression AS s ${kept} ON CONFLICT (tenant, mac, scope_kind, scope) DO UPDATE
                  SET before = GREATEST(s.before, excluded.before), expires_at = GREATEST(s.expires_at, excluded.expires_at)`;
    await sealChange(query, provider, tenant, macs, () => query({ text, values }));
    return macs.length;
  });
}

/** True when there is no seal: none was ever written, or somebody took it away. */
export async function neverSealed(database: Database, tenant: TenantId): Promise<boolean> {
  const { rows } = await database.fetch(tenant, {
    name: 'suppression-sealed',
    text: 'SELECT FROM suppression_seal WHERE tenant = $1',
    values: [tenant],
  });
  return rows.length === 0;
}

async function* allRows(query: Query, tenant: TenantId): AsyncGenerator<SealedRow> {
  for (let last = Buffer.alloc(0), kind = '', scope = ''; ;) {
    const { rows } = await query<SealedRow>({
      name: 'suppression-window',
      text: `SELECT ${COLUMNS} FROM suppression WHERE tenant = $1 AND (mac, scope_kind, scope) > ($2, $3, $4)
             ORDER BY mac, scope_kind, scope LIMIT ${WINDOW}`,
      values: [tenant, last, kind, scope],
    });
    yield* rows;
    const end = rows.at(-1);
    if (!end) return;
    ({ mac: last, scope_kind: kind, scope } = end as { mac: typeof last; scope_kind: string; scope: string });
  }
}

async function rowsOf(query: Query, tenant: TenantId, macs: readonly Buffer[]): Promise<SealedRow[]> {
  const { rows } = await query<SealedRow>({
    name: 'suppression-rows',
    text: `SELECT ${COLUMNS} FROM suppression WHERE tenant = $1 AND mac = ANY($2::bytea[]) FOR UPDATE`,
    values: [tenant, macs],
  });
  return rows;
}

interface Seal {
  rows: number;
  sum: bigint;
}

type StoredSeal = Seal & { mac: Buffer };

/** Of a tenant who never suppressed anybody, or whose seal was taken away. */
const NO_SEAL: StoredSeal = { rows: 0, sum: 0n, mac: Buffer.alloc(0) };

/** The seal over nothing, where there is none yet. */
async function beginSeal(query: Query, keys: KeyProvider, tenant: TenantId): Promise<void> {
  await query({
    text: `INSERT INTO suppression_seal (tenant, rows, sum, mac) VALUES ($1, 0, $2, $3) ON CONFLICT DO NOTHING`,
    values: [tenant, bytes(0n), sealMac(keys, tenant, { rows: 0, sum: 0n })],
  });
}

async function lockSeal(query: Query, tenant: TenantId): Promise<StoredSeal> {
  await query({ text: 'SELECT FROM suppression_seal WHERE tenant = $1 FOR UPDATE', values: [tenant] });
  return readSeal(query, tenant);
}

async function readSeal(query: Query, tenant: TenantId): Promise<StoredSeal> {
  const { rows } = await query<{ rows: number; sum: Buffer; mac: Buffer }>({
    name: 'suppression-seal',
    text: 'SELECT rows, sum, mac FROM suppression_seal WHERE tenant = $1',
    values: [tenant],
  });
  return rows[0] ? { ...rows[0], sum: number(rows[0].sum) } : NO_SEAL;
}

/** None is written where there is none, and one that was written by somebody else stays broken, whatever the service changes after it. */
async function moveSeal(query: Query, keys: KeyProvider, tenant: TenantId, from: StoredSeal, to: Seal): Promise<void> {
  if (isOurs(keys, tenant, from)) await writeSeal(query, keys, tenant, to);
}

/** By what the rows say: one that was changed leaves a seal that misses it. */
function without(keys: KeyProvider, tenant: TenantId, seal: Seal, gone: readonly SealedRow[]): Seal {
  const macs = gone.filter(({ row_mac }) => row_mac !== null).map((row) => rowMac(keys, tenant, row));
  return { rows: seal.rows - macs.length, sum: subtract(seal.sum, macs) };
}

async function writeSeal(query: Query, keys: KeyProvider, tenant: TenantId, seal: Seal): Promise<void> {
  await query({
    text: 'UPDATE suppression_seal SET rows = $2, sum = $3, mac = $4 WHERE tenant = $1',
    values: [tenant, seal.rows, bytes(seal.sum), sealMac(keys, tenant, seal)],
  });
}

function rowMac(keys: KeyProvider, tenant: TenantId, row: SealedRow): Buffer {
  const { mac, key_id, normaliser, scope_kind, scope, before, expires_at, created_on } = row;
  const fields = [mac.toString('hex'), key_id, normaliser, scope_kind, scope, before, expires_at, created_on];
  return keys.mac(tenant, 'suppression', `row|${JSON.stringify(fields)}`);
}

function sealMac(keys: KeyProvider, tenant: TenantId, { rows, sum }: Seal): Buffer {
  return keys.mac(tenant, 'suppression', `seal|${rows}|${sum.toString(16)}`);
}

function isOurs(keys: KeyProvider, tenant: TenantId, seal: StoredSeal): boolean {
  const ours = sealMac(keys, tenant, seal);
  return seal.mac.length === ours.length && timingSafeEqual(seal.mac, ours);
}

/** Sums of keyed hashes: the order of rows is nothing, and nobody without the key finds another set with the same sum. */
function add(sum: bigint, macs: readonly Buffer[]): bigint {
  return macs.reduce((total, mac) => (total + number(mac)) % MODULUS, sum);
}

function subtract(sum: bigint, macs: readonly Buffer[]): bigint {
  return macs.reduce((total, mac) => (total - number(mac) + MODULUS) % MODULUS, sum);
}

function number(mac: Buffer): bigint {
  return BigInt(`0x${mac.toString('hex')}`);
}

function bytes(sum: bigint): Buffer {
  return Buffer.from(sum.toString(16).padStart(64, '0'), 'hex');
}
