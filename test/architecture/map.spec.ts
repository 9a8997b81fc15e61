/** The diagram in docs/architecture.md is written from architecture.json and from the first line of each lib's door. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { documented } from '../support/documented.js';

const { layers } = JSON.parse(readFileSync('architecture.json', 'utf8')) as { layers: string[][] };

/** What a lib is for, in the words of its door. */
function purpose(lib: string): string {
  const [line = ''] = readFileSync(`libs/${lib}/src/index.ts`, 'utf8').split('\n');
  return (/door of [^:]*: (.*?)\.? ?\*\/$/.exec(line)?.[1] ?? '').replaceAll('`', '');
}

/** A row of libs is a box; who stands higher may import whoever stands lower. */
function diagram(): string[] {
  const rows = layers.map((libs, index) => {
    const said = libs.map((lib) => `<b>${lib}</b>${purpose(lib) ? `: ${purpose(lib)}` : ''}`).join('<br>');
    return `  l${index}["${said}"]`;
  });
  const arrows = layers.slice(1).map((_libs, index) => `  l${index + 1} --> l${index}`);
  const top = `l${layers.length - 1}`;
  return [
    '```mermaid',
    'flowchart TD',
    `  apps["<b>apps/server</b>, <b>apps/cli</b>"] --> ${top}`,
    ...rows.reverse(),
    ...arrows.reverse(),
    '```',
  ];
}

describe('the map', () => {
  it('is the one that the imports are held to, and every lib says what it is for', () => {
    expect(layers.flat().filter((lib) => purpose(lib) === '')).toEqual([]);
    expect(documented('docs/architecture.md', 'layers', diagram())).toBe('');
  });
});
