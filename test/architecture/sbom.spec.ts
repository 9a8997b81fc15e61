/** The bill of materials holds every package that production runs, with its licence and its hash. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

/** MIT, in the form of package.json that npm no longer copies into the lockfile. */
const OLD_FORM = ['passport-http-bearer', 'passport-strategy', 'pause'];

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
      const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
        'dependencies' | 'devDependencies',
        Record<string, string>
      >;
      const missing = Object.entries(dependencies).filter(
        ([name, version]) => !purls.has(`pkg:npm/${name}@${version}`),
      );
      expect(missing).toEqual([]);
      expect(purls.has(`pkg:npm/jest@${devDependencies['jest']}`)).toBe(false);
      const foreign = document.components.filter(({ purl }) => !purl.startsWith('pkg:npm/%40lethe/'));
      expect(foreign.filter(({ hashes }) => !hashes?.length)).toEqual([]);
      expect(foreign.filter(({ licenses }) => !licenses?.length).map(({ name }) => name)).toEqual(OLD_FORM);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
