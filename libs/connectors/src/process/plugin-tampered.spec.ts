/** P25: a plugin whose files or manifest are not the approved ones is not started, also when it was changed while disabled. */
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '#kernel';
import { codeOf, PluginWorkshop } from '../../../../test/support/plugin-fixtures.js';
import { PluginHost } from '../call/plugin-host.js';
import { inspectPlugin, installPlugin } from '../package/plugin-package.js';
import type { RunningConnection } from './process-pool.js';

let workshop: PluginWorkshop;
let host: PluginHost;
let connection: RunningConnection;
let marker: string;
let count = 0;
beforeAll(() => {
  workshop = new PluginWorkshop({ inspectPlugin, installPlugin });
});
afterAll(() => workshop.clean());
beforeEach(async () => {
  host = new PluginHost({ clock: systemClock, runner: workshop.runner });
  marker = join(workshop.folder, `started-${++count}`);
  // Native, so that it may leave a mark: whatever of it runs is seen.
  const head = `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(marker)}, 'x');`;
  connection = await workshop.connection('{}', { native: true, id: `tampered-${count}` }, { head });
});
afterEach(() => host.close(0));

const inside = (name: string): string => join(connection.plugin.dir, name);
const size = (name: string): number => readFileSync(inside(name)).length;
/** Changes one bit of one byte. */
function flip(name: string, index: number): void {
  const bytes = readFileSync(inside(name));
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  writeFileSync(inside(name), bytes);
}

const changes: [string, () => void][] = [
  ...['index.mjs', 'lethe.plugin.json'].flatMap((name): [string, () => void][] => [
    [`the first byte of ${name} flipped`, () => flip(name, 0)],
    [`a byte in the middle of ${name} flipped`, () => flip(name, Math.floor(size(name) / 2))],
    [`the last byte of ${name} flipped`, () => flip(name, size(name) - 1)],
    [`a byte more at the end of ${name}`, () => appendFileSync(inside(name), ' ')],
    [`${name} cut short`, () => writeFileSync(inside(name), readFileSync(inside(name)).subarray(0, -1))],
    [`${name} gone`, () => rmSync(inside(name))],
  ]),
  ['a file more', () => writeFileSync(inside('more.mjs'), '')],
  ['a hidden file more', () => writeFileSync(inside('.more'), '')],
  ['the entry under another name', () => renameSync(inside('index.mjs'), inside('other.mjs'))],
  [
    'the entry as a link to the same bytes',
    () => {
      renameSync(inside('index.mjs'), join(workshop.folder, `moved-${count}.mjs`));
      symlinkSync(join(workshop.folder, `moved-${count}.mjs`), inside('index.mjs'));
    },
  ],
  ['the whole folder gone', () => rmSync(connection.plugin.dir, { recursive: true })],
];

describe('a plugin that was changed at rest', () => {
  it('starts when it was not (control)', async () => {
    await host.disable(connection);
    host.enable(connection);
    expect(await host.check(connection)).toMatchObject({ ok: true });
    expect(existsSync(marker)).toBe(true);
  });

  it.each(changes)('is not started: %s', async (_what, change) => {
    change();
    expect(await codeOf(host.check(connection))).toBe('plugin-tampered');
    expect(existsSync(marker)).toBe(false);
  });

  it.each(changes)('while it was disabled, after it ran, is not started again: %s', async (_what, change) => {
    await host.check(connection);
    await host.disable(connection);
    rmSync(marker);
    change();
    host.enable(connection);
    expect(await codeOf(host.check(connection))).toBe('plugin-tampered');
    expect(existsSync(marker)).toBe(false);
  });

  it('is not started under a manifest of the database that is not the approved one', async () => {
    const { plugin } = connection;
    const manifest = { ...plugin.manifest, limits: { ...plugin.manifest.limits, memoryMb: 4096 } };
    expect(await codeOf(host.check({ ...connection, plugin: { ...plugin, manifest } }))).toBe('plugin-tampered');
    expect(existsSync(marker)).toBe(false);
  });
});

describe('the copies that plugins start from', () => {
  it('are made again when a cleaner of temporary files took them away, wholly or in part', async () => {
    const sample = await workshop.connection('{}', { id: 'cleaned' });
    expect(await host.check(sample)).toMatchObject({ ok: true });
    const restart = async (): Promise<void> => {
      await host.disable(sample);
      host.enable(sample);
      expect(await host.check(sample)).toMatchObject({ ok: true });
    };
    const copy = readdirSync(tmpdir())
      .filter((name) => name.startsWith('lethe-plugins-'))
      .map((name) => join(tmpdir(), name))
      .find((home) => existsSync(join(home, sample.plugin.contentHash)))!;
    rmSync(join(copy, sample.plugin.contentHash, 'index.mjs'));
    await restart();
    rmSync(join(copy, 'runner'), { recursive: true });
    await restart();
    rmSync(copy, { recursive: true });
    await restart();
  });
});
