// Writes the bill of materials of what runs in production, from the lockfile alone (CycloneDX 1.5, JSON). `npm run sbom [file]`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = resolve(process.argv[2] ?? join(root, 'dist', 'sbom.cdx.json'));
const line = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'];
const { status, stdout, stderr } = spawnSync('npm', line, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
if (status !== 0) {
  process.stderr.write(stderr);
  process.exit(status ?? 1);
}
const document = JSON.parse(stdout);
const read = (name) => JSON.parse(readFileSync(join(root, name), 'utf8'));

// npm's own `--omit dev` also drops what production and a development tool both use; the lockfile knows which is which.
const production = new Set();
for (const [path, { dev, link, version, name }] of Object.entries(read('package-lock.json').packages))
  if (path !== '' && !dev && !link)
    production.add(`${name ?? path.slice(path.lastIndexOf('node_modules/') + 13)}@${version}`);
const own = (ref) => ref.startsWith('@lethe/');
const stays = (ref) => own(ref) || production.has(ref.split('|')[0]);
document.components = document.components.filter(({ 'bom-ref': ref }) => stays(ref));
document.dependencies = document.dependencies
  .filter(({ ref }) => ref === document.metadata.component['bom-ref'] || stays(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(stays) }));
// npm names the whole after the folder it was checked out to.
document.metadata.component.name = read('package.json').name;
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, `${JSON.stringify(document, null, 2)}\n`);
process.stdout.write(`${document.components.length} components in ${target}\n`);
