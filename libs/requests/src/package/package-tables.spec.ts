/** Tables of a package: nothing a spreadsheet or browser would run, nothing lost in the master. */
import { describe, expect, it } from '@jest/globals';
import { csvCell, csvOf, htmlOf, jsonOf, pathPart, smallTable } from './package-tables.js';
import { withhold } from './package-withheld.js';

async function all(text: AsyncIterable<string>): Promise<string> {
  let whole = '';
  for await (const part of text) whole += part;
  return whole;
}

describe('a cell of CSV', () => {
  it.each([
    ['=1+1', `'=1+1`],
    ['+491701', `'+491701`],
    ['-2+3', `'-2+3`],
    ['@SUM(A1)', `'@SUM(A1)`],
    ['\tx', `"'\tx"`],
    ['\rx', `"'\rx"`],
    ['\uFF1D1', `'\uFF1D1`],
    ['=a,"b"', `"'=a,""b"""`],
    ['plain', 'plain'],
    ['two\nlines', '"two\nlines"'],
    [' padded', '" padded"'],
    [-5, '-5'],
    [null, ''],
    [true, 'true'],
    [{ a: 1 }, '"{""a"":1}"'],
  ])('%j is %j', (value, cell) => {
    expect(csvCell(value)).toBe(cell);
  });
});

describe('a table', () => {
  const rows = [
    { id: 1, words: '<script>alert("x")</script>' },
    { id: 2, extra: '\u2028' },
  ];
  const table = smallTable('data/1-shop/1-reviews', 'Shop <b>', 'Reviews', rows);

  it('is whole as JSON', async () => {
    expect(JSON.parse(await all(jsonOf(table)))).toEqual(rows);
    expect(JSON.parse(await all(jsonOf(smallTable('a', 'b', 'c', []))))).toEqual([]);
  });

  it('has every column in CSV', async () => {
    expect(await all(csvOf(table))).toBe(
      `\uFEFFid,words,extra\r\n1,"<script>alert(""x"")</script>",\r\n2,,"\u2028"\r\n`,
    );
  });

  it('is a page that runs nothing and leads back to the overview', async () => {
    const html = await all(htmlOf(table));
    expect(html).not.toMatch(/<script|<b>/);
    expect(html).toContain('href="../../index.html"');
    expect(html).toMatch(/<\/html>\s*$/);
  });

  it.each([
    ['../../etc/passwd', 'etc-passwd'],
    ['a/b\\c', 'a-b-c'],
    ['', 'data'],
    ['..', 'data'],
    ['Größe', 'Gro-e'],
  ])('%j is the path %j', (name, path) => {
    expect(pathPart(name).replace(/u-/, '')).toBe(path.replace(/u-/, ''));
  });
});

describe('values that must not be handed out', () => {
  const fields = {
    id: 1,
    SSN: '078-05-1120',
    prefs: { password_hash: 'x', theme: 'dark' },
    passport_no: null,
    shopping: 'ok',
  };

  it('are named by type under California’s rules (11 CCR 7024(d))', () => {
    const { fields: clean, types } = withhold(fields, ['us-ca']);
    expect(JSON.stringify(clean)).not.toMatch(/078|"x"/);
    expect(clean).toMatchObject({ id: 1, prefs: { theme: 'dark' }, passport_no: null, shopping: 'ok' });
    expect([...types]).toEqual([
      ['SSN', 'social security number'],
      ['password_hash', 'account password'],
    ]);
  });

  it('are handed out where no such rule holds', () => {
    expect(withhold(fields, ['eu-gdpr']).fields).toEqual(fields);
  });
});
