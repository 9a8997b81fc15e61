/** The bill of materials holds every package that production runs, with its licence and its hash. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

/** MIT, in the form of package.json that npm no longer copies into the lockfile. */
const OLD_FORM = ['passport-http-bearer', 'passport-strategy', 'pause'];

/** Packages of this repository. */
const OWN = 'node_modules/@lethe';

interface Package {
  version: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** Adds the purls of what is installed and reached from a folder at run time. The lockfile is not asked. */
function reached(folder: string, found: Set<string>): void {
  const { dependencies, optionalDependencies, peerDependencies } = read(folder);
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
    const installed = nearest(folder, name);
    if (installed === undefined) continue;
    const one = `pkg:npm/${name}@${read(installed).version}`;
    if (found.has(one)) continue;
    found.add(one);
    reached(installed, found);
  }
}

const read = (folder: string): Package => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package;

/** Where Node finds a package from a folder. */
function nearest(folder: string, name: string): string | undefined {
  for (let at = realpathSync(folder); ; at = dirname(at)) {
    const path = join(at, 'node_modules', name);
    if (existsSync(path)) return realpathSync(path);
    if (at === dirname(at)) return undefined;
  }
}

interface Component {
  name: string;
  group?: string;
  version: string;
  licenses?: unknown[];
  hashes?: unknown[];
  purl: string;
}

describe('npm run sbom', () => {
  it('lists every production dependency, and no development one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-sbom-'));
    try {
      const path = join(folder, 'sbom.json');
      const run = spawnSync(process.execPath, ['scripts/sbom.mjs', path], { encoding: 'utf8' });
      expect([run.status, run.stderr.replaceAll(/^npm warn.*$/gm, '').trim()]).toEqual([0, '']);
      const document = JSON.parse(readFileSync(path, 'utf8')) as {
        bomFormat: string;
        metadata: { component: { name: string } };
        components: Component[];
      };
      expect([document.bomFormat, document.metadata.component.name]).toEqual(['CycloneDX', 'lethe']);
      const purls = new Set(document.components.map(({ purl }) => decodeURIComponent(purl)));
      const production = new Set<string>();
      for (const own of ['.', ...readdirSync(OWN).map((name) => join(OWN, name))]) reached(own, production);
      expect(production.size).toBeGreaterThan(150);
      expect([...production].filter((purl) => !purls.has(purl))).toEqual([]);
      const foreign = document.components.filter(({ purl }) => !purl.startsWith('pkg:npm/%40lethe/'));
      // The rest is what other platforms install in its place, and nothing that is here for development.
      const more = foreign.filter(({ purl }) => !production.has(decodeURIComponent(purl)));
      expect(more.filter(({ group, name }) => nearest('.', group ? `${group}/${name}` : name))).toEqual([]);
      expect(foreign.filter(({ hashes }) => !hashes?.length)).toEqual([]);
      expect(foreign.filter(({ licenses }) => !licenses?.length).map(({ name }) => name)).toEqual(OLD_FORM);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
