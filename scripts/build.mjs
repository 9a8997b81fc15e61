// Builds what changed: the published libs, apps and libs with one tsc, and each plugin into one file. Inputs are compared by hash.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

const PUBLISHED = ['plugin-sdk', 'plugin-kit', 'client'];
const isSpec = (path) => path.endsWith('.spec.ts');
const folders = (path) =>
  existsSync(path)
    ? readdirSync(path)
        .filter((name) => existsSync(join(path, name, 'src')))
        .sort()
    : [];

function filesBelow(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => (name === 'node_modules' || name === 'dist' ? [] : filesBelow(join(path, name))));
}

function fingerprint(root, inputs, upstream) {
  const hash = createHash('sha256').update(upstream);
  for (const path of inputs.flatMap((input) => filesBelow(join(root, input))).filter((file) => !isSpec(file))) {
    hash
      .update(`${relative(root, path)}\0`)
      .update(readFileSync(path))
      .update('\0');
  }
  return hash.digest('hex');
}

function run(root, script, args) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(root, script), ...args], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.on('error', () => done(false));
    child.on('exit', (code) => done(code === 0));
  });
}

// TypeScript 7 emits in a tenth of the time of 5.9; see docs/adr/0002.
const tsc = (root, project) =>
  run(root, 'node_modules/@typescript/native/bin/tsc', ['-p', project, '--pretty', 'false']);

/** What tsc does not emit: law rows, letter templates, SQL. */
function copyAssets(root, sources, outDir) {
  for (const path of sources.flatMap((source) => filesBelow(join(root, source)))) {
    if (/\.tsx?$/.test(path)) continue;
    const target = join(outDir, relative(root, path));
    mkdirSync(dirname(target), { recursive: true });
    cpSync(path, target);
  }
}

/** `dist` is the whole plugin: manifest, one file, and native drivers beside it, so that it runs wherever it is installed. */
function packManifest(root, folder, manifest) {
  writeFileSync(
    join(folder, 'dist', 'lethe.plugin.json'),
    JSON.stringify({ ...manifest, entry: 'index.js' }, null, 2) + '\n',
  );
  writeFileSync(join(folder, 'dist', 'package.json'), JSON.stringify({ type: 'module', private: true }) + '\n');
  if (!manifest.native) return;
  for (const from of [join(root, 'node_modules/@duckdb'), join(folder, 'node_modules/@duckdb')].filter(existsSync)) {
    cpSync(from, join(folder, 'dist/node_modules/@duckdb'), { recursive: true, dereference: true });
  }
}

async function bundlePlugin(root, name) {
  const folder = join(root, 'plugins', name);
  const { build: bundle } = await import(pathToFileURL(join(root, 'node_modules/esbuild/lib/main.js')).href);
  const result = await bundle({
    absWorkingDir: folder,
    entryPoints: ['src/index.ts'],
    outfile: 'dist/index.js',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['source'],
    keepNames: true,
    // Native drivers stay beside the file; the other two are optional parts of pg that we never load.
    external: ['@duckdb/*', 'pg-native', 'pg-cloudflare'],
    banner: {
      js: "import { createRequire as letheCreateRequire } from 'node:module'; const require = letheCreateRequire(import.meta.url);",
    },
    logLevel: 'warning',
  }).catch(() => undefined);
  const manifest = join(folder, 'lethe.plugin.json');
  if (result && existsSync(manifest)) packManifest(root, folder, JSON.parse(readFileSync(manifest, 'utf8')));
  return result !== undefined;
}

function targets(root) {
  const base = ['tsconfig.base.json', 'scripts/build.mjs', 'package-lock.json'];
  const published = PUBLISHED.filter((name) => existsSync(join(root, 'libs', name, 'src', 'index.ts')));
  const internal = folders(join(root, 'libs')).filter((name) => !PUBLISHED.includes(name));
  const apps = folders(join(root, 'apps')).filter((name) => name !== 'console');
  const plugins = folders(join(root, 'plugins')).filter((name) =>
    existsSync(join(root, 'plugins', name, 'src', 'index.ts')),
  );
  const sources = [...apps.map((name) => `apps/${name}/src`), ...internal.map((name) => `libs/${name}/src`)];
  const first = published.map((name) => ({
    name: `libs/${name}`,
    inputs: [...base, `libs/${name}`],
    outDir: `libs/${name}/dist`,
    make: () => tsc(root, `libs/${name}/tsconfig.json`),
  }));
  const main = {
    name: 'apps and libs',
    inputs: [...base, 'tsconfig.build.json', 'package.json', ...sources],
    outDir: 'dist',
    make: async () => {
      if (!(await tsc(root, 'tsconfig.build.json'))) return false;
      copyAssets(root, sources, join(root, 'dist'));
      // So that a link to it is the command `lethe`.
      chmodSync(join(root, 'dist/apps/cli/src/main.js'), 0o755);
      return true;
    },
  };
  const bundles = plugins.map((name) => ({
    name: `plugins/${name}`,
    inputs: [
      'scripts/build.mjs',
      'package-lock.json',
      ...['src', 'package.json', 'lethe.plugin.json'].map((part) => `plugins/${name}/${part}`),
    ],
    outDir: `plugins/${name}/dist`,
    make: () => bundlePlugin(root, name),
  }));
  return { first, second: [...(sources.length > 0 ? [main] : []), ...bundles] };
}

async function buildTarget(root, target, upstream) {
  const stamp = fingerprint(root, target.inputs, upstream);
  // Not in the folder itself: a plugin's folder is what an admin approves by its hash.
  const stampPath = join(root, 'node_modules', `.lethe-built-${target.name.replaceAll(/\W+/g, '-')}`);
  const built = existsSync(join(root, target.outDir)) && existsSync(stampPath);
  if (built && readFileSync(stampPath, 'utf8') === stamp) return { good: true, stamp };
  console.log(`Building ${target.name} …`);
  rmSync(stampPath, { force: true });
  rmSync(join(root, target.outDir), { recursive: true, force: true });
  const good = await target.make();
  if (good) writeFileSync(stampPath, stamp);
  else console.error(`Building ${target.name} failed; the reasons stand above.`);
  return { good, stamp };
}

/** Builds every stale target; false when one failed. */
export async function build(root) {
  const { first, second } = targets(root);
  let upstream = '';
  const results = [];
  for (const target of first) {
    const result = await buildTarget(root, target, upstream);
    results.push(result);
    upstream += result.stamp;
  }
  for (const target of second) results.push(await buildTarget(root, target, upstream));
  return results.every((result) => result.good);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = (await build(join(dirname(process.argv[1]), '..'))) ? 0 : 1;
}
