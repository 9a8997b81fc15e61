// Where verify-log.mjs reads a log from: a running service over HTTP, or a folder of exported entries and checkpoints.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Refused, base64, demand, strictJson } from './formats.mjs';

const WIDTH = 256;
const AT_ONCE = 8;

/** C2SP path of the entry bundle that holds position `index * 256` on. */
function bundlePath(index, width) {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g);
  const name = groups.map((group, at) => (at + 1 < groups.length ? 'x' : '') + group).join('/');
  return `tile/entries/${name}${width === WIDTH ? '' : `.p/${width}`}`;
}

/** Entries of a bundle: each after its length in two bytes. */
function readBundle(bytes, count) {
  const entries = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const end = at + 2 + bytes.readUInt16BE(at);
    entries.push({ bytes: end <= bytes.length ? bytes.subarray(at + 2, end) : undefined });
    at = end;
  }
  demand(at === bytes.length && entries.length >= count, 'an entry bundle is cut off');
  return entries.slice(0, count);
}

/** The log of a running service. `key` may be an auditor's key; entry bundles are used where the service serves them. */
export async function openService(baseUrl, key, logId) {
  const base = baseUrl.replace(/\/+$/, '');
  const get = async (path, tries = 10) => {
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const response = await fetch(`${base}${path}`, { headers, redirect: 'error' }).catch(() => {
      throw new Refused(`the service cannot be reached at ${base}`);
    });
    if (response.status !== 429 || tries === 0) return response;
    const seconds = Number(response.headers.get('retry-after') ?? 1);
    await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(Math.max(seconds, 0) || 1, 60)));
    return get(path, tries - 1);
  };
  const must = async (path) => {
    const response = await get(path);
    demand(response.ok, `the service answers ${response.status} to ${path}`);
    return response;
  };
  const ledger =
    logId === undefined ? strictJson(await (await must('/v1/ledger')).text(), 'the ledger page') : { logId };
  demand(typeof ledger.logId === 'string', 'the service does not name the log');
  const log = `/v1/logs/${encodeURIComponent(ledger.logId)}`;

  const single = async (position) => {
    const response = await get(`${log}/entries/${position}`);
    if (response.status === 404 || response.status === 410) return undefined;
    demand(response.ok, `the service answers ${response.status} to an entry`);
    const entry = strictJson(await response.text(), `entry ${position}`);
    demand(entry.position === position, `the service answers with another entry than ${position}`);
    return { bytes: base64(entry.bytes, `entry ${position}`), stated: hashOf(entry.leafHash) };
  };
  let bundles = true;
  const window = async (start, count) => {
    const response = bundles ? await get(`${log}/${bundlePath(start / WIDTH, count)}`) : undefined;
    if (response?.ok === true) return readBundle(Buffer.from(await response.arrayBuffer()), count);
    bundles = false;
    const entries = [];
    for (let at = start; at < start + count; at += AT_ONCE) {
      const positions = Array.from({ length: Math.min(AT_ONCE, start + count - at) }, (_, offset) => at + offset);
      entries.push(...(await Promise.all(positions.map(single))));
    }
    return entries;
  };
  return {
    name: `${base}, log ${ledger.logId}`,
    // The first key: its successors are followed through what the log committed.
    vkey: ledger.keys?.[0]?.vkey ?? ledger.vkey,
    checkpoints: [await (await must(`${log}/checkpoint`)).text()],
    window,
    async consistency(from, to) {
      const answer = strictJson(await (await must(`${log}/consistency?from=${from}&to=${to}`)).text(), 'the proof');
      demand(answer.from === from && answer.to === to && Array.isArray(answer.hashes), 'the proof is for other sizes');
      return answer.hashes.map(hashOf);
    },
  };
}

/** A hash as the service writes it: base64, or 64 hex digits. */
function hashOf(text) {
  const bytes = /^[0-9a-f]{64}$/.test(text) ? Buffer.from(text, 'hex') : base64(text, 'a hash');
  demand(bytes.length === 32, 'a hash has the wrong size');
  return bytes;
}

/**
 * An exported folder: `checkpoint` (latest), `checkpoints/*` (earlier ones), the entries as C2SP bundles under
 * `tile/entries/` or as lines `{position, bytes (base64)}` in `entries.ndjson`, and perhaps `vkey`.
 */
export function openFolder(folder) {
  const read = (name) => readFileSync(join(folder, name));
  demand(existsSync(join(folder, 'checkpoint')), 'the folder has no file named checkpoint');
  const earlier = existsSync(join(folder, 'checkpoints')) ? readdirSync(join(folder, 'checkpoints')).sort() : [];
  const lines = existsSync(join(folder, 'entries.ndjson'))
    ? readLines(read('entries.ndjson').toString('utf8'))
    : undefined;
  return {
    name: folder,
    vkey: existsSync(join(folder, 'vkey')) ? read('vkey').toString('utf8').trim() : undefined,
    checkpoints: [...earlier.map((name) => join('checkpoints', name)), 'checkpoint'].map((name) =>
      read(name).toString('utf8'),
    ),
    async window(start, count) {
      if (lines !== undefined) return Array.from({ length: count }, (_, at) => lines.get(start + at));
      const file = bundleFile(folder, start / WIDTH, count);
      return file === undefined ? Array.from({ length: count }, () => undefined) : readBundle(read(file), count);
    },
  };
}

/** The full bundle or a partial one with at least `count` entries: a log grows while its folder is copied, beyond the seal too. */
function bundleFile(folder, index, count) {
  const full = bundlePath(index, WIDTH);
  if (existsSync(join(folder, full))) return full;
  const partials = existsSync(join(folder, `${full}.p`)) ? readdirSync(join(folder, `${full}.p`)) : [];
  const width = partials.find((name) => /^[1-9]\d*$/.test(name) && Number(name) >= count);
  return width === undefined ? undefined : `${full}.p/${width}`;
}

function readLines(text) {
  const entries = new Map();
  for (const line of text.split('\n').filter((part) => part !== '')) {
    const entry = strictJson(line, 'a line of entries.ndjson');
    demand(
      Number.isSafeInteger(entry.position) && !entries.has(entry.position),
      'a line of entries.ndjson repeats a position',
    );
    entries.set(entry.position, { bytes: base64(entry.bytes, `entry ${entry.position}`) });
  }
  return entries;
}
