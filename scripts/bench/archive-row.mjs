// Row `archive`: what a set archive costs the flush, against the same flush without one.
import { join } from 'node:path';
import { interleave, ratios } from './measure.mjs';
import { startProcess, watched } from './processes.mjs';

const CONCURRENCY = 256;

/** @param {import('./setting.mjs').Setting} setting */
export async function archiveRow({ plan, newDatabase, folder, say, profile }) {
  const { appUrl: url } = await newDatabase('bench_archive', 'ledger');
  const started = [];
  const side = async (args) => {
    const flush = await startProcess(join(import.meta.dirname, 'flush-ours.mjs'), { args: { url, ...args } });
    started.push(flush);
    return (seconds) => watched(flush, () => flush.ask('run', { seconds, concurrency: CONCURRENCY }), profile);
  };
  try {
    const sides = {
      'no archive': await side({}),
      kept: await side({ keeps: true }),
      copied: await side({ keeps: true, folder: join(folder, 'archive') }),
    };
    const found = await interleave(sides, plan.flush, say);
    const peer = { peerName: 'the same flush without an archive', peer: found['no archive'], goal: undefined };
    return [
      ['the rows of a flush kept for the archive in its commit', 'kept'],
      ['an archive set: kept, and copied to files with the entries as the log grows', 'copied'],
    ].map(([what, name]) => ({
      what: `full flush, ${CONCURRENCY} concurrent, ${what}`,
      ours: found[name],
      ...peer,
      ratio: ratios(found[name], found['no archive']),
    }));
  } finally {
    await Promise.all(started.map((one) => one.stop()));
  }
}
