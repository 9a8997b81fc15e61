/** The table of settings in docs/operations.md is written from the schema that reads them. */
import { describe, expect, it } from '@jest/globals';
import { environmentSchema } from '#platform';
import { documented } from '../support/documented.js';

/** Default of a setting as an operator would write it. */
function defaultOf(name: keyof typeof environmentSchema.shape): string {
  const parsed = environmentSchema.shape[name].safeParse(undefined);
  if (!parsed.success || parsed.data === undefined) return 'none';
  return Array.isArray(parsed.data) ? parsed.data.join(',') || 'none' : String(parsed.data);
}

describe('the environment table', () => {
  const names = Object.keys(environmentSchema.shape) as (keyof typeof environmentSchema.shape)[];

  it('names every setting with its default and its meaning', () => {
    expect(names.filter((name) => !environmentSchema.shape[name].description)).toEqual([]);
    const rows = names.map(
      (name) => `| \`${name}\` | ${defaultOf(name)} | ${environmentSchema.shape[name].description} |`,
    );
    const table = ['| variable | default | meaning |', '|---|---|---|', ...rows];
    expect(documented('docs/operations.md', 'environment', table)).toBe('');
    expect(documented('docs/operations.md', 'no-such-part', [])).toBe('docs/operations.md has no part no-such-part');
  });
});
