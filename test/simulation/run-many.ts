/** Many seeds, on all processors: plain Node processes over one bundle, because jest's module system costs half the time. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');
/** Inside the project, so that packages are found. */
const folder = join(root, 'node_modules/.cache/lethe-simulation', String(process.pid));

export interface Many {
  seeds: number;
  acts: number;
  ms: number;
  failed: { seed: number; violations: string[] }[];
}

/** Seeds that each process runs however long they take. */
const LEAST = 12;

const main = `import { runSeed } from './run-seed.mjs';
const [from, step, below, until] = process.argv.slice(2).map(Number);
const done = { seeds: 0, acts: 0, failed: [] };
// Some in any case: a machine that is busy elsewhere must not make of this a test of nothing.
const goesOn = () => done.failed.length < 5 && (done.seeds < ${LEAST} || Date.now() < until);
for (let seed = from; seed < below && goesOn(); seed += step) {
  const { violations, trace } = await runSeed(seed);
  done.seeds += 1;
  done.acts += trace.length;
  if (violations.length > 0) done.failed.push({ seed, violations });
}
console.log(JSON.stringify(done));
`;

/** Bundles the simulation with the engine; other packages stay outside. */
export async function bundleSeeds(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const sources = /^#([a-z-]+)$/;
  await build({
    ...{ entryPoints: [join(root, 'test/simulation/run-seed.ts')], outfile: join(folder, 'run-seed.mjs') },
    ...{ bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'error' },
    plugins: [
      {
        name: 'libraries',
        setup: ({ onResolve }) =>
          onResolve({ filter: sources }, ({ path }) => ({
            path: join(root, 'libs', sources.exec(path)?.[1] ?? '', 'src/index.ts'),
          })),
      },
    ],
  });
  writeFileSync(join(folder, 'main.mjs'), main);
}

export function removeBundle(): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Runs the seeds `from` to `from + seeds - 1`, or those that fit into `ms`. */
export async function runMany(from: number, seeds: number, ms: number, processes: number): Promise<Many> {
  const start = Date.now();
  const parts = await Promise.all(
    Array.from({ length: processes }, (_, n) => runPart([from + n, processes, from + seeds, start + ms])),
  );
  return {
    seeds: parts.reduce((sum, one) => sum + one.seeds, 0),
    acts: parts.reduce((sum, one) => sum + one.acts, 0),
    ms: Date.now() - start,
    failed: parts.flatMap((one) => one.failed),
  };
}

async function runPart(numbers: number[]): Promise<Omit<Many, 'ms'>> {
  const child = spawn(process.execPath, [join(folder, 'main.mjs'), ...numbers.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const said = await text(child.stdout);
  if ((await ended) !== 0) throw new Error('the simulation ended with an error');
  return JSON.parse(said) as Omit<Many, 'ms'>;
}
