#!/usr/bin/env node
// Recomputes a log from its records and prints the seal check: node verify-log.mjs <base URL | folder> [--vkey K] [--since FILE]
// More options: [--log ID] [--witness K]. The API key comes from LETHE_API_KEY. Needs Node 20 and the files of this folder.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Refused, demand } from './formats.mjs';
import { demandFollowed, followKeys, namedKey, openWithKeys, signedByHeld } from './key-chain.mjs';
import { GrowingTree, emptyRoot, leafHash, readVkey, rootsFromConsistency } from './log-checks.mjs';
import { openFolder, openService } from './log-sources.mjs';
import { sealPage } from './seal-page.mjs';

const WINDOW = 256;
const USAGE = 'usage: verify-log.mjs <base URL | folder> [--vkey K] [--since checkpoint] [--witness K]';

/** Opens all checkpoints under the log's keys, smallest first; two roots for one size are a fork. */
function openAll(notes, keys, witnesses) {
  const opened = notes.map((held) => openOne(held, keys, witnesses)).sort((a, b) => a.size - b.size);
  const distinct = [];
  for (const checkpoint of opened) {
    const before = distinct.at(-1);
    if (before?.size !== checkpoint.size) distinct.push(checkpoint);
    else {
      demand(before.root.equals(checkpoint.root), `the log signed two different seals of ${checkpoint.size} records`);
      before.countersigned.push(...checkpoint.countersigned);
    }
  }
  return distinct;
}

/** A file of the auditor's is named: he may have kept many. */
function openOne({ note, file }, keys, witnesses) {
  try {
    return openWithKeys(note, keys, witnesses);
  } catch (error) {
    throw error instanceof Refused && file !== undefined ? new Refused(`${file}: ${error.message}`) : error;
  }
}

/** What the records say about the period, without trusting any of them to be well-formed. */
class Period {
  first;
  last;
  disordered = 0;

  see(bytes) {
    const at = recordedAt(bytes);
    if (at === undefined) return;
    this.first ??= at;
    if (this.last !== undefined && Date.parse(at) < Date.parse(this.last)) this.disordered += 1;
    this.last = at;
  }
}

function recordedAt(bytes) {
  try {
    const at = JSON.parse(bytes.toString('utf8')).recordedAt;
    return Number.isNaN(Date.parse(at)) ? undefined : at;
  } catch {
    return undefined;
  }
}

/** Recomputes every leaf and compares the root at each checkpoint. */
async function recompute(source, checkpoints) {
  const size = checkpoints.at(-1).size;
  const tree = new GrowingTree();
  const found = {
    recomputed: 0,
    missing: [],
    changed: [],
    broken: [],
    rotations: [],
    certificateKeys: [],
    period: new Period(),
  };
  const due = new Map(checkpoints.map((checkpoint) => [checkpoint.size, checkpoint]));
  for (let start = 0; start < size; start += WINDOW) {
    const entries = await source.window(start, Math.min(WINDOW, size - start));
    for (const [offset, entry] of entries.entries()) {
      if (entry?.bytes === undefined) found.missing.push(start + offset);
      else take(found, start + offset, entry, tree);
      const checkpoint = due.get(start + offset + 1);
      if (checkpoint !== undefined) compare(found, checkpoints, checkpoint, tree);
    }
  }
  if (checkpoints[0].size === 0) demand(checkpoints[0].root.equals(emptyRoot), 'the seal of no records has a root');
  return found;
}

function take(found, position, entry, tree) {
  const hash = leafHash(entry.bytes);
  found.recomputed += 1;
  found.period.see(entry.bytes);
  const named = namedKey(entry.bytes);
  if (named !== undefined) found.rotations.push({ position, named });
  const key = namedKey(entry.bytes, 'certificate');
  if (key !== undefined) found.certificateKeys.push({ position, key });
  if (entry.stated !== undefined && !entry.stated.equals(hash)) found.changed.push(position);
  tree.add(hash);
}

/** A root that differs says which stretch between two seals was changed. */
function compare(found, checkpoints, checkpoint, tree) {
  if (found.missing.length > 0 || found.broken.length > 0) return;
  if (tree.root().equals(checkpoint.root)) return;
  const before = checkpoints[checkpoints.indexOf(checkpoint) - 1]?.size ?? 0;
  found.broken.push({ from: before, to: checkpoint.size - 1 });
}

/** Each seal must continue the one before; the service proves it where it can, the records prove it always. */
async function checkConsistency(source, checkpoints) {
  if (source.consistency === undefined) return 0;
  let proved = 0;
  for (const [at, to] of checkpoints.entries()) {
    const from = checkpoints[at - 1];
    if (from === undefined || from.size === 0) continue;
    const hashes = await source.consistency(from.size, to.size);
    const [older, newer] = rootsFromConsistency(from.size, to.size, hashes, from.root);
    const good = older.equals(from.root) && newer.equals(to.root);
    demand(good, `the seal of ${to.size} records does not continue the seal of ${from.size}: history was rewritten`);
    proved += 1;
  }
  return proved;
}

/** The keys that the seals need: the held one, or its committed successors as well. */
async function keysOf(source, logKey, held) {
  const shown = source.checkpoints.at(-1);
  if (signedByHeld([...source.checkpoints, ...held.map(({ note }) => note)], logKey))
    return { keys: [{ key: logKey, fromSize: 0 }], seals: [] };
  return followKeys(source, logKey, Number(/^[^\n]*\n(\d{1,15})\n/.exec(shown)?.[1] ?? 0));
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      vkey: { type: 'string' },
      log: { type: 'string' },
      witness: { type: 'string', multiple: true, default: [] },
      since: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return void process.stdout.write(`${USAGE}\n`);
  demand(positionals.length === 1, USAGE);
  const [place] = positionals;
  const online = /^https?:\/\//.test(place);
  const source = online ? await openService(place, process.env['LETHE_API_KEY'], values.log) : openFolder(place);
  const keyText = values.vkey ?? source.vkey;
  demand(keyText !== undefined, 'no log key: give the one you hold with --vkey');
  const logKey = readVkey(keyText);
  const held = values.since.map((file) => ({ file, note: readFileSync(file, 'utf8') }));
  const { keys, seals } = await keysOf(source, logKey, held);
  const notes = [...source.checkpoints.map((note) => ({ note })), ...held, ...seals];
  const checkpoints = openAll(notes, keys, values.witness.map(readVkey));
  const served = openWithKeys(source.checkpoints.at(-1), keys);
  demand(
    served.size === checkpoints.at(-1).size,
    'the seal shown now is older than one you hold: the log was rolled back',
  );
  const proved = await checkConsistency(source, checkpoints);
  const found = await recompute(source, checkpoints);
  demandFollowed(found.rotations, keys);
  process.stdout.write(
    sealPage({
      source,
      keyText,
      keyGiven: values.vkey !== undefined,
      keys,
      checkpoints,
      held: held.length,
      proved,
      found,
    }),
  );
  const sound = found.missing.length + found.changed.length + found.broken.length === 0;
  demand(sound, 'the records do not add up to the seal; see the page above');
}

try {
  await main();
} catch (error) {
  const expected = error instanceof Refused || typeof error?.code === 'string';
  process.stderr.write(`SEAL CHECK FAILED: ${expected ? error.message : `unreadable input (${error?.name})`}\n`);
  process.exitCode = 1;
}
