/** What an attacker with the databases, a backup and the key directory can do: try every key on every ciphertext. */
import { createDecipheriv, hkdfSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Client } from 'pg';

/** Everything one database holds, row by row as text; bytea stands in it as hexadecimal. */
export async function everyRow(database: Client): Promise<Map<string, string[]>> {
  const { rows } = await database.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public' ORDER BY 1`,
  );
  const all = new Map<string, string[]>();
  for (const { name } of rows) {
    const found = await database.query<{ row: string }>(`SELECT t::text AS row FROM "${name}" t`);
    all.set(
      name,
      found.rows.map(({ row }) => row.replaceAll('""', '"')),
    );
  }
  return all;
}

/** Every file below a folder as text, byte for byte; what is gzipped is opened first. */
export function everyFile(folder: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    const bytes = entry.isFile() ? ifThere(file) : undefined;
    if (bytes) found.set(file, [(file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1')]);
  }
  return found;
}

/** A running service replaces files: what is gone by now stands in the next one. */
function ifThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A sealed value as it stands in rows and leaves. */
export interface Ciphertext {
  class: string;
  subject: string;
  nonce: Buffer;
  text: Buffer;
}

/** Every sealed value in these rows, each once. */
export function ciphertextsIn(tables: ReadonlyMap<string, readonly string[]>): Ciphertext[] {
  const found = new Map<string, Ciphertext>();
  for (const row of [...tables.values()].flat())
    for (const [text] of row.replaceAll('\\', '').matchAll(/\{[^{}]*"sealed":1[^{}]*\}/g)) {
      const one = JSON.parse(text) as { c: string; s: string; n: string; t: string };
      const bytes = Buffer.from(one.t, 'base64url');
      const nonce = Buffer.from(one.n, 'base64url');
      found.set(text, { class: one.c, subject: one.s, nonce, text: bytes.subarray(0, -16) });
    }
  return [...found.values()];
}

/** The wrapped keys of a key store, as they stand in it or in its backup. */
export async function wrappedKeys(keystore: Client): Promise<Buffer[]> {
  const { rows } = await keystore.query<{ wrapped: Buffer }>(
    'SELECT wrapped FROM subject_key WHERE wrapped IS NOT NULL',
  );
  return rows.map(({ wrapped }) => wrapped);
}

/** The secrets of a key directory. */
export function secretsIn(directory: string): Buffer[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.key'))
    .flatMap((name) => {
      const secret = /^secret (\S+)$/m.exec(readFileSync(join(directory, name), 'utf8'))?.[1];
      return secret === undefined ? [] : [Buffer.from(secret, 'base64')];
    });
}

/** Every data key that these secrets may open, right or wrong: nothing that authenticates is asked. */
export function dataKeys(secrets: readonly Buffer[], tenants: readonly string[], wrapped: readonly Buffer[]): Buffer[] {
  const derived = secrets.flatMap((secret) =>
    tenants.map((tenant) => Buffer.from(hkdfSync('sha256', secret, '', `lethe|kek|${tenant}`, 32))),
  );
  const opened = [...secrets, ...derived].flatMap((key) =>
    wrapped.map((bytes) => undo(key, bytes.subarray(0, 12), bytes.subarray(12, -16))),
  );
  return [...secrets, ...derived, ...opened];
}

/** What any of the keys makes of any ciphertext, where it contains the word. */
export function readableWith(keys: readonly Buffer[], ciphertexts: readonly Ciphertext[], word: string): Ciphertext[] {
  return ciphertexts.filter(({ nonce, text }) => keys.some((key) => undo(key, nonce, text).includes(word)));
}

function undo(key: Buffer, nonce: Buffer, text: Buffer): Buffer {
  // Without the final step: the bytes come whether they are authentic or not.
  return createDecipheriv('aes-256-gcm', key, nonce).update(text);
}
