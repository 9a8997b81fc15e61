/**
 * `LETHE_TEST_GOLDEN=1` keeps a real leaf of every event type that a test records and that has no golden file yet, and its
 * shape; `LETHE_TEST_GOLDEN=wider` also widens known shapes, for a key that was always optional and was never met;
 * `LETHE_TEST_GOLDEN=log` keeps the whole log of a spec for the folds to be run over, unless there is one.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect } from '@jest/globals';
import type { Client } from 'pg';
import { isKnownEvent, parseLeaf, type StoredEvent } from '#ledger';
import { keepShapes } from './event-shapes.js';

export const goldenFolder = join(import.meta.dirname, '../golden/events');

const logFolder = join(import.meta.dirname, '../golden/logs');

/** Declared by specs, and stored by no build. */
const ofSpecs = new Set(['Counted.v1']);

/** File of a type: the leaf's bytes and nothing else. */
export const goldenFile = (type: string): string => join(goldenFolder, `${type}.json`);

/** Called before a test's database is dropped. */
export async function keepGoldenLeaves(superuser: Client): Promise<void> {
  const mode = process.env['LETHE_TEST_GOLDEN'];
  if (mode === undefined) return;
  const there = await superuser.query<{ there: string | null }>(`SELECT to_regclass('public.event') AS there`);
  if (there.rows[0]?.there === null) return;
  if (mode === 'log') return keepLog(superuser);
  const { rows } = await superuser.query<{ type: string; bytes: string }>(
    'SELECT type, bytes FROM event ORDER BY type, length(bytes) DESC',
  );
  mkdirSync(goldenFolder, { recursive: true });
  const own = rows.filter(({ type }) => isKnownEvent(type) && !ofSpecs.has(type));
  for (const { type, bytes } of own)
    if (bytes.length < 20_000 && !existsSync(goldenFile(type))) writeFileSync(goldenFile(type), bytes);
  keepShapes(
    own.map(({ bytes }) => parseLeaf(0, bytes)),
    mode === 'wider',
  );
}

/** Of the tenant with the most entries: one leaf a line. */
async function keepLog(superuser: Client): Promise<void> {
  const { rows } = await superuser.query<{ bytes: string }>(
    `SELECT bytes FROM event WHERE tenant = (SELECT tenant FROM event GROUP BY 1 ORDER BY count(*) DESC LIMIT 1)
     ORDER BY position`,
  );
  const file = join(logFolder, `${basename(expect.getState().testPath ?? '').replace(/\..*/, '')}.jsonl.gz`);
  mkdirSync(logFolder, { recursive: true });
  if (rows.length > 0 && !existsSync(file)) writeFileSync(file, gzipSync(rows.map(({ bytes }) => bytes).join('\n')));
}

/** The log of the data set of the build before, in order. */
function dataSetLog(): StoredEvent[] {
  const file = join(import.meta.dirname, '../golden/data-set/ledger/event.jsonl.gz');
  const rows = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n');
  return rows
    .map((row) => JSON.parse(row) as { position: number; bytes: string })
    .sort((one, other) => one.position - other.position)
    .map(({ position, bytes }) => parseLeaf(position, bytes));
}

/** Every kept log by its name. */
export function goldenLogs(): [name: string, log: StoredEvent[]][] {
  const kept = readdirSync(logFolder).map((file): [string, StoredEvent[]] => {
    const text = gunzipSync(readFileSync(join(logFolder, file))).toString('utf8');
    return [basename(file, '.jsonl.gz'), text.split('\n').map((bytes, position) => parseLeaf(position, bytes))];
  });
  return [['data-set', dataSetLog()], ...kept];
}
