// Row `check`: the consent check through HTTP against a route of the same framework that does nothing.
import { join } from 'node:path';
import { startLethe } from './lethe.mjs';
import { interleave, ratios } from './measure.mjs';
import { startProcess, watched } from './processes.mjs';

const CONNECTIONS = 64;
const PEOPLE = 10_000;

/** @param {import('./setting.mjs').Setting} setting */
export async function checkRow(setting) {
  const { plan, say, profile } = setting;
  const started = [];
  const start = async (process) => {
    started.push(await process);
    return started.at(-1);
  };
  try {
    const lethe = await start(startLethe(setting, 'bench_check'));
    const plain = await start(startProcess(join(import.meta.dirname, 'serve-plain.mjs')));
    const load = await start(startProcess(join(import.meta.dirname, 'load.mjs')));
    await lethe.ask('people', { from: 0, to: PEOPLE });
    const ask = (server, settings, folder) => (seconds) => {
      const { port } = server.started;
      const run = () => load.ask('run', { port, call: 'check', settings, seconds, connections: CONNECTIONS });
      return watched(server, run, folder);
    };
    const route = { path: '/v1/consents/check', key: lethe.started.key };
    const found = await interleave(
      {
        'one person': ask(lethe, { ...route, people: 1 }, profile),
        plain: ask(plain, { path: '/plain', people: PEOPLE }),
        'any person': ask(lethe, { ...route, people: PEOPLE }, profile),
      },
      plan.http,
      say,
    );
    const peer = { peerName: 'a plain route of Nest on Fastify, same body', peer: found.plain, goal: 0.5 };
    return [
      ['one known person', 'one person'],
      [`any of ${PEOPLE.toLocaleString('en')} people at random`, 'any person'],
    ].map(([who, side]) => ({
      what: `consent check through HTTP, by e-mail address, ${who}, ${CONNECTIONS} connections`,
      ours: found[side],
      ...peer,
      ratio: ratios(found[side], found.plain),
    }));
  } finally {
    await Promise.all(started.map((one) => one.stop()));
  }
}
