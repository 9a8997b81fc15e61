// Plants each kind of forbidden import in a small house and expects the net to catch it; without that, a clean report means nothing.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { checkArchitecture } from '#scripts/check-architecture.mjs';

const root = join(import.meta.dirname, '..', '..');
const architecture: unknown = JSON.parse(readFileSync(join(root, 'architecture.json'), 'utf8'));
const made: string[] = [];

const cleanHouse = {
  'libs/kernel/src/index.ts': `export { now } from './clock.js';`,
  'libs/kernel/src/clock.ts': `export const now = (): number => 1;`,
  'libs/consent/src/index.ts': `export { give } from './give-consent.js';`,
  'libs/consent/src/give-consent.ts': `import { now } from '#kernel';\nexport const give = now;`,
  'libs/connectors/src/index.ts': `import type { Connector } from '@lethe/plugin-sdk';\nexport type C = Connector;`,
  'libs/requests/src/index.ts': `import { give } from '#consent';\nimport type { C } from '#connectors';\nexport type D = C;\nexport const d = give;`,
  'libs/plugin-sdk/src/index.ts': `export interface Connector { readonly name: string }`,
  'libs/plugin-kit/src/index.ts': `import type { Connector } from '@lethe/plugin-sdk';\nexport type K = Connector;`,
  'plugins/postgres/src/index.ts': `import type { K } from '@lethe/plugin-kit';\nimport pg from 'pg';\nexport default pg as unknown as K;`,
  'apps/server/src/main.ts': `import { d } from '#requests';\nimport { startPostgres } from '#scripts/postgres.mjs';\nexport default [d, startPostgres];`,
};

function rulesIn(planted: Readonly<Record<string, string>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-house-'));
  made.push(folder);
  for (const [path, text] of Object.entries({ ...cleanHouse, ...planted })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return checkArchitecture(folder, architecture).violations.map(({ rule, path }) => `${rule} ${path}`);
}

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe('the boundaries of the house', () => {
  it('let a clean house pass', () => {
    expect(rulesIn({})).toEqual([]);
  });

  it.each([
    ['uphill', 'libs/consent/src/x.ts', `import { d } from '#requests';\nexport const x = d;`],
    ['uphill', 'libs/consent/src/x.ts', `import type { D } from '#requests';\nexport type X = D;`],
    ['uphill', 'libs/consent/src/x.ts', `export type X = import('#requests').D;`],
    ['uphill', 'libs/consent/src/x.ts', `export const x = () => import('#requests');`],
    ['uphill', 'libs/consent/src/x.ts', `export { d } from '#requests';`],
    ['uphill', 'libs/consent/src/x.ts', `import type { C } from '#connectors';\nexport type X = C;`],
    ['uphill', 'libs/consent/src/x.ts', `import { d } from '../../requests/src/index.js';\nexport const x = d;`],
    ['uphill', 'libs/consent/src/x.spec.ts', `import { d } from '#requests';\nexport const x = d;`],
    ['uphill', 'libs/kernel/src/x.ts', `import main from '../../../apps/server/src/main.js';\nexport const x = main;`],
    [
      'door',
      'libs/requests/src/x.ts',
      `import { give } from '../../consent/src/give-consent.js';\nexport const x = give;`,
    ],
    ['door', 'libs/requests/src/x.ts', `import { give } from '#consent/give-consent';\nexport const x = give;`],
    [
      'door',
      'apps/server/src/x.ts',
      `import { give } from '../../../libs/consent/src/give-consent.js';\nexport const x = give;`,
    ],
    ['plugin', 'plugins/postgres/src/x.ts', `import { now } from '#kernel';\nexport const x = now;`],
    [
      'plugin',
      'plugins/postgres/src/x.ts',
      `import type { C } from '../../../libs/connectors/src/index.js';\nexport type X = C;`,
    ],
    [
      'plugin',
      'plugins/postgres/src/x.ts',
      `import { Injectable } from '@nestjs/common';\nexport const x = Injectable;`,
    ],
    ['plugin', 'plugins/duckdb/src/x.ts', `import x from '@lethe/plugin-postgres';\nexport const y = x;`],
    ['plugin', 'libs/plugin-sdk/src/x.ts', `import { now } from '#kernel';\nexport const x = now;`],
    [
      'foreign',
      'libs/consent/src/x.ts',
      `import type { Connector } from '@lethe/plugin-sdk';\nexport type X = Connector;`,
    ],
    [
      'foreign',
      'libs/consent/src/x.ts',
      `import { startPostgres } from '#scripts/postgres.mjs';\nexport const x = startPostgres;`,
    ],
    ['unknown', 'libs/misc/src/x.ts', `import { now } from '#kernel';\nexport const x = now;`],
    ['package', 'libs/requests/src/x.ts', `import { DataSource } from 'typeorm';\nexport const x = DataSource;`],
    ['package', 'libs/kernel/src/x.ts', `import { Injectable } from '@nestjs/common';\nexport const x = Injectable;`],
  ])('catch %s in %s', (rule, path, text) => {
    expect(rulesIn({ [path]: text })).toEqual([`${rule} ${path}`]);
  });

  it('catch a cycle, through types as well', () => {
    const planted = {
      'libs/consent/src/a.ts': `import { b } from './b.js';\nexport const a = () => b;`,
      'libs/consent/src/b.ts': `import type { a } from './a.js';\nexport const b = 1 as unknown as typeof a;`,
    };
    expect(rulesIn(planted)).toEqual(['cycle libs/consent/src/a.ts']);
  });

  it('let typeorm into a table file', () => {
    expect(
      rulesIn({ 'libs/requests/src/case.table.ts': `import { Entity } from 'typeorm';\nexport const x = Entity;` }),
    ).toEqual([]);
  });
});
