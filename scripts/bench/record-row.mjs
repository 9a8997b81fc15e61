// Row `record`: a consent of a new person through HTTP with everything on, against c15t's self-hosted backend.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { startLethe } from './lethe.mjs';
import { interleave, ratios } from './measure.mjs';
import { startProcess, watched } from './processes.mjs';

const CONNECTIONS = 64;
const bench = join(import.meta.dirname, '../../bench');

/** Installs the peer from its own lockfile; returns why it cannot be had, or nothing. */
function installPeer(say) {
  const lock = JSON.parse(readFileSync(join(bench, 'package-lock.json'), 'utf8'));
  const hidden = join(bench, 'node_modules/.package-lock.json');
  const there = existsSync(hidden) ? JSON.parse(readFileSync(hidden, 'utf8')).packages : {};
  const name = 'node_modules/@c15t/backend';
  if (there[name]?.version === lock.packages[name].version) return undefined;
  say('    installing the peer, @c15t/backend, into bench/node_modules (npm ci) …');
  const npm = process.env.npm_execpath;
  const line = npm ? [process.execPath, npm] : ['npm'];
  const args = [...line.slice(1), 'ci', '--no-audit', '--no-fund', '--ignore-scripts'];
  const { status, error } = spawnSync(line[0], args, { cwd: bench, stdio: ['ignore', 'inherit', 'inherit'] });
  return status === 0 ? undefined : `npm ci in bench/ failed${error ? ` (${error.code})` : ''}`;
}

/** Copies one consent, and its subject, until there are `count` of each: the peer has no way to load many. */
async function fillPeer(url, count) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const names = async (table, but) => {
      const { rows } = await client.query(
        'SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 AND NOT column_name = ANY($2)',
        [table, but],
      );
      return rows.map((row) => `"${row.column_name}"`).join(', ');
    };
    const subject = await names('subject', ['id']);
    const consent = await names('consent', ['id', 'subjectId']);
    await client.query(`INSERT INTO subject (id, ${subject}) SELECT 'sub_' || md5('s' || n), ${subject}
                        FROM (SELECT * FROM subject LIMIT 1) one, generate_series(1, ${Number(count)}) n`);
    await client.query(`INSERT INTO consent (id, "subjectId", ${consent}) SELECT 'cns_' || md5('c' || n), 'sub_' || md5('s' || n), ${consent}
                        FROM (SELECT * FROM consent LIMIT 1) one, generate_series(1, ${Number(count)}) n`);
  } finally {
    await client.end();
  }
}

/** Fresh statistics, so that neither side is measured with plans made for empty tables. */
async function analyze(urls) {
  for (const connectionString of urls) {
    const client = new pg.Client({ connectionString });
    await client.connect();
    await client.query('ANALYZE');
    await client.end();
  }
}

const aLine = (records, found, peerName, goal) => ({
  what: `a consent of a new person through HTTP, ${records}, ${CONNECTIONS} connections`,
  ours: found.ours,
  peerName,
  peer: found.peer,
  ratio: ratios(found.ours, found.peer),
  goal,
});

/** @param {import('./setting.mjs').Setting} setting */
export async function recordRow(setting) {
  const { plan, say, newDatabase, profile } = setting;
  const missing = installPeer(say);
  if (missing)
    return [{ what: 'a consent of a new person through HTTP', peerName: '@c15t/backend 2.2.1', goal: 15, missing }];
  const started = [];
  const start = async (process) => {
    started.push(await process);
    return started.at(-1);
  };
  try {
    const { ownerUrl } = await newDatabase('bench_peer');
    const lethe = await start(startLethe(setting, 'bench_record'));
    const peer = await start(startProcess(join(bench, 'serve-c15t.mjs'), { args: { url: ownerUrl } }));
    const load = await start(startProcess(join(import.meta.dirname, 'load.mjs')));
    const ask = (server, call, settings, folder) => (seconds) => {
      const { port } = server.started;
      return watched(
        server,
        () => load.ask('run', { port, call, settings, seconds, connections: CONNECTIONS }),
        folder,
      );
    };
    const sides = {
      ours: ask(lethe, 'record', { key: lethe.started.key }, profile),
      peer: ask(peer, 'peerRecord', {}),
    };
    const peerName = `c15t ${peer.started.version} self-hosted`;
    const lines = [aLine('near-empty', await interleave(sides, plan.http, say), peerName, 15)];
    if (plan.loaded) {
      const { records } = plan.loaded;
      say(`    loading ${records.toLocaleString('en')} records into each`);
      await lethe.ask('people', { from: 0, to: records });
      await lethe.ask('settled');
      await fillPeer(ownerUrl, records);
      await analyze([ownerUrl, ...lethe.ownerUrls]);
      const names = `${peerName}; ours recorded by its own command, the peer's copied by SQL`;
      const what = `with ${records.toLocaleString('en')} records before`;
      lines.push(aLine(what, await interleave(sides, plan.loaded, say), names, 150));
    }
    return lines;
  } finally {
    await Promise.all(started.map((one) => one.stop()));
  }
}
