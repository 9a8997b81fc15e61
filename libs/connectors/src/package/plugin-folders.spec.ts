/** A plugin is found by its name in one of two folders, and never silently in the other one. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Config } from '#platform';
import { PluginFolders } from './plugin-folders.js';

describe('the folders of plugins', () => {
  let pluginDir: string;
  let folders: PluginFolders;
  const put = (name: string): void => {
    mkdirSync(join(pluginDir, 'incoming', name), { recursive: true });
    writeFileSync(join(pluginDir, 'incoming', name, 'lethe.plugin.json'), '{}');
  };

  beforeAll(() => {
    pluginDir = mkdtempSync(join(tmpdir(), 'lethe-plugins-'));
    folders = new PluginFolders({ pluginDir } as Config);
  });
  afterAll(() => rmSync(pluginDir, { recursive: true }));

  it('are those that are shipped, and those an operator put in', () => {
    put('mycrm');
    expect(folders.folder('mycrm')).toBe(join(pluginDir, 'incoming', 'mycrm'));
    expect(folders.folder('postgres')).toMatch(/plugins.postgres.dist$/);
    expect(() => folders.folder('nope')).toThrow(expect.objectContaining({ status: 404 }));
  });

  it('refuse a name that is in both: which one was meant?', () => {
    put('postgres');
    expect(() => folders.folder('postgres')).toThrow(expect.objectContaining({ code: 'plugin-name-shipped' }));
  });
});
