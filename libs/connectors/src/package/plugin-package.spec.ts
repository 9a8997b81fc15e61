/** Installing by content hash: what was inspected is what runs. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aManifest, codeOf, PluginWorkshop } from '../../../../test/support/plugin-fixtures.js';
import { inspectPlugin, installPlugin, verifyPlugin } from './plugin-package.js';

let workshop: PluginWorkshop;
beforeAll(() => {
  workshop = new PluginWorkshop({ inspectPlugin, installPlugin });
});
afterAll(() => workshop.clean());

const home = () => join(workshop.folder, 'home');
const problemsOf = async (dir: string) => (await inspectPlugin(dir)).problems.map(({ code }) => code);

const withoutEntry = (connector: string) => {
  const dir = workshop.write(connector);
  rmSync(join(dir, 'index.mjs'));
  return dir;
};

describe('the inspection of a plugin', () => {
  it('shows the manifest, every file with its hash, and one hash over all', async () => {
    const dir = workshop.write('{}');
    mkdirSync(join(dir, 'data'));
    writeFileSync(join(dir, 'data', 'a.json'), '{}');
    const inspected = await inspectPlugin(dir);
    expect(inspected.manifest).toEqual(aManifest());
    expect(inspected.files.map(({ path }) => path)).toEqual(['data/a.json', 'index.mjs', 'lethe.plugin.json']);
    expect(inspected.files[0]).toMatchObject({
      bytes: 2,
      sha256: '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
    });
    expect(inspected.problems).toEqual([]);
    expect(inspected.contentHash).toMatch(/^[0-9a-f]{64}$/);
    expect((await inspectPlugin(dir)).contentHash).toBe(inspected.contentHash);
  });

  it('changes its hash with a byte and with a name', async () => {
    const hashes = new Set<string>();
    const dir = workshop.write('{}');
    hashes.add((await inspectPlugin(dir)).contentHash);
    writeFileSync(join(dir, 'a'), 'x');
    hashes.add((await inspectPlugin(dir)).contentHash);
    writeFileSync(join(dir, 'a'), 'y');
    hashes.add((await inspectPlugin(dir)).contentHash);
    rmSync(join(dir, 'a'));
    writeFileSync(join(dir, 'b'), 'y');
    hashes.add((await inspectPlugin(dir)).contentHash);
    expect(hashes.size).toBe(4);
  });

  it('names what forbids the installation', async () => {
    const link = workshop.write('{}');
    symlinkSync('/etc/passwd', join(link, 'link'));
    expect(await problemsOf(link)).toEqual(['not-a-plain-file']);
    const binary = workshop.write('{}');
    writeFileSync(join(binary, 'driver.node'), '');
    expect(await problemsOf(binary)).toEqual(['native-undeclared']);
    expect(await problemsOf(workshop.write('{}', { native: true }))).toEqual([]);
    expect(await problemsOf(withoutEntry('{}'))).toEqual(['entry-missing']);
    expect(await problemsOf(workshop.write('{}', { id: 'Not A Slug' }))).toEqual(['manifest-invalid']);
    expect(await problemsOf(workshop.write('{}', { entry: '../index.mjs' }))).toEqual(['manifest-invalid']);
    expect(await problemsOf(workshop.write('{}', { id: '../../etc' }))).toEqual(['manifest-invalid']);
    expect(await problemsOf(workshop.write('{}', { surprise: 1 } as object))).toEqual(['manifest-invalid']);
    const empty = join(workshop.folder, 'empty');
    mkdirSync(empty);
    expect(await problemsOf(empty)).toEqual(['manifest-missing']);
  });
});

describe('the installation of a plugin', () => {
  it('copies exactly what was approved, once', async () => {
    const dir = workshop.write('{}');
    const { contentHash } = await inspectPlugin(dir);
    const plugin = await installPlugin(dir, home(), contentHash);
    expect(plugin.dir).toBe(join(home(), 'sample', `1.0.0-${contentHash}`));
    await verifyPlugin(plugin);
    expect(await installPlugin(dir, home(), contentHash)).toEqual(plugin);
    expect(readdirSync(join(home(), 'sample')).filter((name) => name.startsWith('.draft'))).toEqual([]);
  });

  it('may run several times at once', async () => {
    const dir = workshop.write('{ at: "once" }');
    const { contentHash } = await inspectPlugin(dir);
    const plugins = await Promise.all(Array.from({ length: 8 }, () => installPlugin(dir, home(), contentHash)));
    await expect(Promise.all(plugins.map((plugin) => verifyPlugin(plugin)))).resolves.toHaveLength(8);
  });

  it('refuses what changed after the approval', async () => {
    const dir = workshop.write('{ a: 1 }');
    const { contentHash } = await inspectPlugin(dir);
    appendFileSync(join(dir, 'index.mjs'), '//');
    expect(await codeOf(installPlugin(dir, home(), contentHash))).toBe('plugin-hash-mismatch');
    expect(existsSync(join(home(), 'sample', `1.0.0-${contentHash}`))).toBe(false);
  });

  it('refuses a folder with problems', async () => {
    const dir = withoutEntry('{ b: 1 }');
    const { contentHash } = await inspectPlugin(dir);
    expect(await codeOf(installPlugin(dir, home(), contentHash))).toBe('plugin-invalid');
  });

  it.each([
    ['changed', (dir: string) => appendFileSync(join(dir, 'index.mjs'), ' ')],
    ['added', (dir: string) => writeFileSync(join(dir, 'package.json'), '{}')],
    ['linked', (dir: string) => symlinkSync('/etc/passwd', join(dir, 'link'))],
    ['taken away', (dir: string) => rmSync(dir, { recursive: true })],
  ])('notices a file that was %s later, and repairs it when installed again', async (what, tamper) => {
    const dir = workshop.write(`{ what: ${JSON.stringify(what)} }`);
    const { contentHash } = await inspectPlugin(dir);
    const plugin = await installPlugin(dir, home(), contentHash);
    tamper(plugin.dir);
    expect(await codeOf(verifyPlugin(plugin))).toBe('plugin-tampered');
    await installPlugin(dir, home(), contentHash);
    await verifyPlugin(plugin);
  });
});
