/** `LETHE_TEST_GOLDEN=1` keeps a real leaf of every event type that a test records and that has no golden file yet. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { isKnownEvent } from '#ledger';

export const goldenFolder = join(import.meta.dirname, '../golden/events');

/** Declared by specs, and stored by no build. */
const ofSpecs = new Set(['Counted.v1']);

/** File of a type: the leaf's bytes and nothing else. */
export const goldenFile = (type: string): string => join(goldenFolder, `${type}.json`);

/** Called before a test's database is dropped. */
export async function keepGoldenLeaves(superuser: Client): Promise<void> {
  if (process.env['LETHE_TEST_GOLDEN'] !== '1') return;
  const there = await superuser.query<{ there: string | null }>(`SELECT to_regclass('public.event') AS there`);
  if (there.rows[0]?.there === null) return;
  const { rows } = await superuser.query<{ type: string; bytes: string }>(
    'SELECT DISTINCT ON (type) type, bytes FROM event ORDER BY type, length(bytes) DESC',
  );
  mkdirSync(goldenFolder, { recursive: true });
  for (const { type, bytes } of rows)
    if (isKnownEvent(type) && !ofSpecs.has(type) && bytes.length < 20_000 && !existsSync(goldenFile(type)))
      writeFileSync(goldenFile(type), bytes);
}
