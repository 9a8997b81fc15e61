// nest-cli.json, architecture.json and the folders name the same projects.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

interface Architecture {
  readonly layers: readonly (readonly string[])[];
  readonly published: Readonly<Record<string, unknown>>;
  readonly apps: Readonly<Record<string, unknown>>;
}
interface NestProjects {
  readonly projects: Readonly<Record<string, { readonly root: string; readonly sourceRoot: string }>>;
}

const root = join(import.meta.dirname, '..', '..');
const architecture = JSON.parse(readFileSync(join(root, 'architecture.json'), 'utf8')) as Architecture;
const nest = JSON.parse(readFileSync(join(root, 'nest-cli.json'), 'utf8')) as NestProjects;
const libraries = [...architecture.layers.flat(), ...Object.keys(architecture.published)];
const foldersIn = (top: string): string[] =>
  (existsSync(join(root, top)) ? readdirSync(join(root, top)) : []).filter((name) =>
    existsSync(join(root, top, name, 'src')),
  );

describe('the projects', () => {
  it('are the same in nest-cli.json and architecture.json', () => {
    const services = Object.keys(architecture.apps).filter((name) => name !== 'console');
    const roots = [...services.map((name) => `apps/${name}`), ...libraries.map((name) => `libs/${name}`)];
    expect(
      Object.values(nest.projects)
        .map((project) => project.root)
        .sort(),
    ).toEqual(roots.sort());
  });

  it('include every folder of libs and apps', () => {
    expect(libraries).toEqual(expect.arrayContaining(foldersIn('libs')));
    expect(Object.keys(architecture.apps)).toEqual(expect.arrayContaining(foldersIn('apps')));
  });

  it('keep a domain flat until it has twenty files, and then one folder a noun (ADR 9)', () => {
    const domains = foldersIn('libs').map((name) => join(root, 'libs', name, 'src'));
    const folders = domains.flatMap((src) => {
      const entries = readdirSync(src, { withFileTypes: true });
      const nested = entries.filter((entry) => entry.isDirectory() && entry.name !== 'migrations');
      const below = nested.flatMap((entry) => readdirSync(join(src, entry.name)));
      const files = [...entries.filter((entry) => entry.isFile()).map((entry) => entry.name), ...below].filter(
        (name) => !/\.spec\.ts$/.test(name),
      );
      return nested.map((entry) => ({ path: join(src, entry.name), early: files.length < 20 }));
    });
    expect(folders.filter((folder) => folder.early)).toEqual([]);
    const deeper = folders.flatMap(({ path }) => readdirSync(path, { withFileTypes: true }));
    expect(deeper.filter((entry) => entry.isDirectory())).toEqual([]);
  });
});
