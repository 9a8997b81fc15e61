// `npm run bench`: ours, its limit and its peer side by side in one run; prints a table and writes docs/benchmarks.md.
//   --quick     short rounds, without the rows at 300,000 records
//   --row=name  only this row: flush, archive, record, check (repeatable)
//   --profile=folder  writes CPU profiles of our processes there
import { parseArgs } from 'node:util';
import { archiveRow } from './bench/archive-row.mjs';
import { checkRow } from './bench/check-row.mjs';
import { flushRow } from './bench/flush-row.mjs';
import { fdatasyncPerSecond, load, machine } from './bench/machine.mjs';
import { recordRow } from './bench/record-row.mjs';
import { report, summary } from './bench/report.mjs';
import { openSetting } from './bench/setting.mjs';

const rows = { flush: flushRow, archive: archiveRow, record: recordRow, check: checkRow };
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    row: { type: 'string', multiple: true, default: Object.keys(rows) },
    profile: { type: 'string' },
  },
});
const unknown = options.row.filter((name) => !(name in rows));
if (unknown.length > 0) {
  console.error(`There is no row ${unknown.join(', ')}. Rows: ${Object.keys(rows).join(', ')}.`);
  process.exit(2);
}

const say = (line) => console.log(line);
const { setting, close } = await openSetting({ ...options, say });
let failed = false;
const sections = [];
try {
  say(`${machine()}`);
  for (const name of options.row) {
    const before = { disk: fdatasyncPerSecond(setting.folder), load: load() };
    say(`\n${name}: disk ${Math.round(before.disk)} fdatasync/s, load ${before.load.toFixed(1)}`);
    try {
      const lines = await rows[name](setting);
      sections.push({ name, lines, before, after: { disk: fdatasyncPerSecond(setting.folder), load: load() } });
    } catch (error) {
      failed = true;
      console.error(`  the row ${name} could not be measured: ${error.stack ?? error}`);
    }
  }
} finally {
  await close();
}
say(`\n${summary(sections)}`);
if (!failed) say(`\nWritten to ${report(sections, options)}`);
process.exitCode = failed ? 1 : 0;
