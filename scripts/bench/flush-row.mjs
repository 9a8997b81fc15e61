// Row `flush`: a full flush against its own limit (plain multi-row inserts) and against the usual way (an ORM's save).
import { join } from 'node:path';
import { interleave, ratios, spread } from './measure.mjs';
import { startProcess, watched } from './processes.mjs';

const CONCURRENCY = 256;
const here = import.meta.dirname;

/** @param {import('./setting.mjs').Setting} setting */
export async function flushRow({ plan, newDatabase, say, profile }) {
  const { appUrl } = await newDatabase('bench_flush', 'ledger');
  const started = [];
  const start = async (file, args) => {
    started.push(await startProcess(join(here, file), { args }));
    return started.at(-1);
  };
  try {
    const ours = await start('flush-ours.mjs', { url: appUrl });
    const limit = await start('flush-pg.mjs', { url: appUrl });
    const orm = await start('flush-typeorm.mjs', { url: appUrl, pool: 16 });
    // The limit writes batches of the size that ours came to last.
    let batch = CONCURRENCY / 2;
    const sides = {
      ours: async (seconds) => {
        const result = await watched(ours, () => ours.ask('run', { seconds, concurrency: CONCURRENCY }), profile);
        batch = Math.max(1, Math.round(result.batch));
        return result;
      },
      limit: (seconds) => watched(limit, () => limit.ask('run', { seconds, batch })),
      typeorm: (seconds) => watched(orm, () => orm.ask('run', { seconds, concurrency: CONCURRENCY })),
      'typeorm event alone': (seconds) =>
        watched(orm, () => orm.ask('run', { seconds, concurrency: CONCURRENCY, eventOnly: true })),
    };
    const found = await interleave(sides, plan.flush, say);
    return linesOf(found);
  } finally {
    await Promise.all(started.map((one) => one.stop()));
  }
}

function linesOf(found) {
  const batch = Math.round(spread(found.ours.map((one) => one.batch)).median);
  const what = `full flush, ${CONCURRENCY} concurrent (event, job, consent record, kept answer, tree, row-level security)`;
  return [
    {
      what,
      ours: found.ours,
      peerName: `the same rows by multi-row inserts through pg, one connection, batches of ${batch} as ours`,
      peer: found.limit,
      ratio: ratios(found.ours, found.limit),
      goal: 0.6,
    },
    {
      what,
      ours: found.ours,
      peerName: 'TypeORM 1.1 `save` of the same four rows, pool of 16',
      peer: found.typeorm,
      ratio: ratios(found.ours, found.typeorm),
      goal: 10,
    },
    {
      what,
      ours: found.ours,
      peerName: 'TypeORM 1.1 `repo.save` of the event row alone',
      peer: found['typeorm event alone'],
      ratio: ratios(found.ours, found['typeorm event alone']),
      goal: undefined,
    },
  ];
}
