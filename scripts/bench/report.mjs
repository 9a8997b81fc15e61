// The table, for the terminal and for docs/benchmarks.md; a goal that was missed is printed as missed.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machine } from './machine.mjs';
import { spread } from './measure.mjs';
import { settings } from './setting.mjs';

const page = join(import.meta.dirname, '../../docs/benchmarks.md');

const number = (value) => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3));
const rate = (rounds) => {
  const { median, min, max } = spread(rounds.map((one) => one.perSecond));
  return `${number(median)} [${number(min)}..${number(max)}]`;
};
const waits = (rounds) =>
  `${number(spread(rounds.map((one) => one.p50)).median)} / ${number(spread(rounds.map((one) => one.p99)).median)}`;
const cpu = (rounds) => number(spread(rounds.map((one) => one.cpu)).median);
const ratioText = ({ median, min, max }) => `${median.toFixed(2)} [${min.toFixed(2)}..${max.toFixed(2)}]`;

function verdict({ ratio, goal, missing }) {
  if (missing) return `not measured: ${missing}`;
  if (goal === undefined) return 'no goal';
  return ratio.median >= goal ? 'PASS' : 'below goal';
}

/** A few lines for the terminal. */
export function summary(sections) {
  return sections
    .flatMap(({ lines }) => lines)
    .map((line) => {
      const head = `${verdict(line).padEnd(10)}  ${line.what}`;
      if (line.missing) return head;
      return `${head}\n            ours ${rate(line.ours)}/s (${cpu(line.ours)} µs CPU), ${line.peerName}: ${rate(line.peer)}/s (${cpu(line.peer)} µs CPU), ratio ${ratioText(line.ratio)}${line.goal === undefined ? '' : `, goal ${line.goal}`}`;
    })
    .join('\n');
}

function table({ name, lines, before, after }) {
  const disk = `${number(before.disk)} before, ${number(after.disk)} after`;
  return [
    `### ${name}`,
    '',
    `fdatasync of 8 kB a second: ${disk}. Load of the machine: ${before.load.toFixed(1)} before, ${after.load.toFixed(1)} after.`,
    '',
    '| what | ours /s | p50 / p99 ms | CPU µs | beside it | its /s | p50 / p99 ms | CPU µs | ratio | goal | |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
    ...lines.map((line) => {
      if (line.missing)
        return `| ${line.what} | | | | ${line.peerName} | | | | | ${line.goal ?? ''} | ${verdict(line)} |`;
      const side = (rounds) => [rate(rounds), waits(rounds), cpu(rounds)];
      const cells = [line.what, ...side(line.ours), line.peerName, ...side(line.peer), ratioText(line.ratio)];
      return `| ${[...cells, line.goal ?? '', verdict(line)].join(' | ')} |`;
    }),
    '',
  ].join('\n');
}

/** Writes the page; a run of some rows keeps what stands there of the others. Returns its path. */
export function report(sections, { quick }) {
  const old = existsSync(page) ? readFileSync(page, 'utf8') : '';
  const kept = new Map(
    old
      .split(/^(?=### )/m)
      .slice(1)
      .map((part) => [/^### (\S+)/.exec(part)[1], part.trimEnd() + '\n']),
  );
  for (const section of sections) {
    const run = `Run of ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC${quick ? ', `--quick`: a look, not a figure to quote' : ''}. ${machine()}.`;
    kept.set(section.name, `${table(section)}\n${run}\n`);
  }
  const order = ['flush', 'archive', 'record', 'check'].filter((name) => kept.has(name));
  writeFileSync(page, `${introduction()}\n${order.map((name) => kept.get(name)).join('\n')}`);
  return 'docs/benchmarks.md';
}

function introduction() {
  const set = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return `# Benchmarks

\`npm run bench\` measures, and writes this page. Both sides of a row run on the same machine, in the same run, in turn, each in a
process of its own, against one private PostgreSQL (${set.join(', ')}).
Figures are medians of the rounds with their smallest and largest; the ratio is the median of the ratios round by round. Absolute
figures depend on the disk and on what else the machine does: compare within a row. \`--quick\` takes short rounds and leaves out the
rows at 300,000 records; \`--row=flush|archive|record|check\` takes one. A goal that is missed is a line here, not an error.

What the rows mean: **flush** calls the event store in process; its limit writes rows made beforehand, without hashing, checking or
answering anybody. **archive** is the same flush with an archive set and without; its CPU includes what copies to the files, its rate
does not wait for that. **record** and **check** go through HTTP with everything on: the built server, a real key, validation, sealing,
idempotency keys, row-level security; the load comes over 64 connections that are kept open, from a process of its own. CPU is what
the server's (or writer's) own process used per call, without PostgreSQL and the load. The peer of **record** is c15t's self-hosted backend, \`@c15t/backend\` 2.2.1, on the same PostgreSQL; of **check**, a route of Nest on Fastify
that takes the same body and answers a constant.
`;
}
