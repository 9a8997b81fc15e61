/** docs/security.md names tests as evidence: each of them exists, under the very title, and no row is there twice. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const DOCUMENT = 'docs/security.md';

/** `[name](../path) "title"`, as they stand in a cell. */
function evidenceOf(text: string): { path: string; title: string }[] {
  return [...text.matchAll(/\]\(\.\.\/([^)]+\.ts)\) "([^"]+)"/g)].map(([, path = '', title = '']) => ({ path, title }));
}

/** What is wrong with a piece of evidence; undefined when nothing is. */
function fault({ path, title }: { path: string; title: string }): string | undefined {
  if (!existsSync(path)) return `${path} is not there`;
  const source = readFileSync(path, 'utf8').replaceAll(/\\(['`])/g, '$1');
  return source.includes(title) ? undefined : `${path} has no test "${title}"`;
}

const rows = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => /^\| /.test(line) && !/^\| -/.test(line))
    .map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '').trim()));

describe('the page about security', () => {
  const text = readFileSync(DOCUMENT, 'utf8');

  it('names only tests that exist', () => {
    const evidence = evidenceOf(text);
    expect(evidence.length).toBeGreaterThan(70);
    expect(evidence.flatMap((one) => fault(one) ?? [])).toEqual([]);
  });

  it('names one for every attack and every row of the ASVS', () => {
    const bare = rows(text).filter(
      (cells) => !/^(Who|ASVS)$/.test(cells[0]!.trim()) && evidenceOf(cells.join(' | ')).length === 0,
    );
    expect(bare).toEqual([]);
  });

  it('has every row of the ASVS once, with a level of 1 or 2', () => {
    const found = rows(text).filter((cells) => /^\d+\.\d+\.\d+$/.test(cells[0]!));
    const numbers = found.map((cells) => cells[0]!);
    expect(numbers.length).toBeGreaterThan(40);
    expect(numbers).toEqual([...new Set(numbers)]);
    expect(found.filter((cells) => !['1', '2'].includes(cells[1]!))).toEqual([]);
  });

  it('(control) would miss what is not there', () => {
    const gone = evidenceOf('[x](../test/security/security-doc.spec.ts) "a title that nobody ' + 'wrote"');
    expect(gone.map(fault)).toEqual([
      'test/security/security-doc.spec.ts has no test "a title that nobody ' + 'wrote"',
    ]);
    expect(fault({ path: join('test', 'nowhere.spec.ts'), title: 'x' })).toContain('is not there');
  });
});
