/** Parts of documents that are written from the code: a spec fails when they are outdated, and writes them when asked to. */
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Compares what stands between `<!-- name -->` and `<!-- /name -->` with the lines; with LETHE_TEST_UPDATE it is written.
 * Answers '' when it is current, else what to do.
 */
export function documented(path: string, name: string, lines: readonly string[]): string {
  const text = readFileSync(path, 'utf8');
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  if (from < begin.length || to < from) return `${path} has no part ${name}`;
  const wanted = `\n${lines.join('\n')}\n`;
  if (process.env['LETHE_TEST_UPDATE']) writeFileSync(path, text.slice(0, from) + wanted + text.slice(to));
  else if (text.slice(from, to) !== wanted) return `${path} is outdated: run this spec with LETHE_TEST_UPDATE=1`;
  return '';
}
