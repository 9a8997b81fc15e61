/** What the documents name exists: files they link or spell out, npm scripts, and verbs of the command line. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { pluginManifest } from '../../libs/connectors/src/package/plugin-manifest.js';

const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync('docs').map((name) => join('docs', name))]
  .filter((path) => path.endsWith('.md'))
  .concat(readdirSync('docs/adr').map((name) => join('docs/adr', name)));
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const verbs = new Set(
  [...readFileSync('apps/cli/src/run-verb.ts', 'utf8').matchAll(/^ {2}'?([a-z-]+)'?: \{/gm)].map(([, verb]) => verb),
);
/** Files that a page says stand below a folder. */
const bases: Record<string, string> = { 'docs/one-erasure.md': 'libs/requests/src' };

/** What a page names and nobody can find. */
function missing(page: string, text: string): string[] {
  const links = [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)]
    .map(([, path = '']) => path)
    .filter((path) => !existsSync(join(dirname(page), path)));
  const spelt = [...text.matchAll(/`((?:[\w.-]+\/)*[\w.-]+\.(?:ts|mjs|yml|json|service))`/g)]
    .map(([, path = '']) => path)
    .filter((path) => path.includes('/') || page in bases)
    .filter((path) => !/^(dist|\.data)\//.test(path) && ![path, join(bases[page] ?? '.', path)].some(existsSync));
  const commands = [...text.matchAll(/(?:^|`)npm run ([\w:]+)/gm)].map(([, name = '']) => name);
  const words = [...text.matchAll(/(?:^|`)(?:npx )?lethe ([a-z][a-z-]+)/gm)].map(([, verb = '']) => verb);
  return [
    ...[...links, ...spelt].map((path) => `${page}: ${path}`),
    ...commands.filter((name) => !(name in scripts)).map((name) => `${page}: npm run ${name}`),
    ...words.filter((verb) => !verbs.has(verb)).map((verb) => `${page}: lethe ${verb}`),
  ];
}

describe('the documents', () => {
  it('name nothing that is not there', () => {
    expect(verbs.size).toBeGreaterThan(10);
    expect(pages.flatMap((page) => missing(page, readFileSync(page, 'utf8')))).toEqual([]);
  });

  it('are all to be found from README', () => {
    const readme = readFileSync('README.md', 'utf8');
    const own = pages.filter((page) => page.startsWith('docs/') && !page.startsWith('docs/adr/'));
    expect(own.filter((page) => !readme.includes(`(${page})`))).toEqual([]);
  });

  it('explain every member of a plugin’s manifest', () => {
    const page = readFileSync('docs/writing-a-plugin.md', 'utf8');
    const rows = new Set(
      [...page.matchAll(/^\| ((?:`[\w.]+`(?:, )?)+) \|/gm)].flatMap(([, names = '']) => names.match(/[\w.]+/g)),
    );
    const { limits, ...shape } = pluginManifest.shape;
    const members = [...Object.keys(shape), ...Object.keys(limits.shape).map((name) => `limits.${name}`)];
    expect(members.filter((name) => !rows.has(name))).toEqual([]);
  });

  it('(control) that name what is gone would be caught', () => {
    const text = '[x](nowhere.md) `libs/gone/src/file.ts` `npm run nothing` `lethe forget`';
    expect(missing('docs/events.md', text)).toHaveLength(4);
  });
});
