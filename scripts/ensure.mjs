// Runs before start, test and check: the right Node, the locked dependencies, a current build. Node's own modules only,
// because it runs in a fresh clone. When nothing changed it costs a few hashes.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const stampPath = join(root, 'node_modules', '.lethe-stamp');

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const enough = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (enough) return;
  console.error(
    `Lethe needs Node 20.19 or newer (or 22.12 or newer); this is ${process.versions.node}. Install a newer Node, then run this again.`,
  );
  process.exit(1);
}

/** Asked before npm, whose own answer is a page long. */
function requireRoom() {
  try {
    for (const path of [root, join(root, 'node_modules')].filter((one) => existsSync(one)))
      accessSync(path, constants.W_OK);
  } catch {
    console.error(
      `This user cannot write into ${root}, where Lethe is installed and built. Clone it into a folder of your own, ` +
        `or let its owner run npm run build once.`,
    );
    process.exit(1);
  }
}

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** True when what npm says it installed is what the lockfile asks for: an `npm ci` by hand counts. */
function installedMatchesLock() {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const present = readJson(hidden).packages;
  const wanted = Object.entries(readJson(join(root, 'package-lock.json')).packages);
  return wanted.every(([path, { version, optional, devOptional, peer, link }]) => {
    if (path === '' || link || optional || devOptional || peer || !path.startsWith('node_modules/')) return true;
    return present[path]?.version === version;
  });
}

function ensureDependencies() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const platform = `${process.versions.node.split('.')[0]} ${process.platform} ${process.arch}`;
  const stamp = createHash('sha256').update(lock).update(platform).digest('hex');
  if (existsSync(stampPath) && readFileSync(stampPath, 'utf8') === stamp) return;
  requireRoom();
  if (!installedMatchesLock()) {
    console.log('Installing dependencies (npm ci), a minute or two the first time …');
    const npm = process.env.npm_execpath;
    const line = npm ? [process.execPath, npm] : [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
    // Some tools name a newer Node than they need: only what fails is worth the reader's time.
    const args = [...line.slice(1), 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
    const result = spawnSync(line[0], args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    if (result.status !== 0) {
      console.error(`npm ci failed${result.error ? `: ${result.error.message}` : ''}. Its own message stands above.`);
      process.exit(1);
    }
  }
  writeFileSync(stampPath, stamp);
}

requireNode();
ensureDependencies();
const { build } = await import('./build.mjs');
process.exitCode = (await build(root)) ? 0 : 1;
