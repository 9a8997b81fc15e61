// `npm run check`: format, lint, types, boundaries and unit tests; every step runs, and the last lines say which failed.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const code = ['apps', 'libs', 'plugins', 'test'].filter((folder) => existsSync(join(root, folder)));
const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
const steps = {
  format: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
  // Named folders: scanning everything would read configurations inside node_modules.
  lint: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings', ...code, 'scripts'],
  types: ['node_modules/@typescript/native/bin/tsc', '-p', 'tsconfig.json', '--pretty', 'false'],
  boundaries: ['scripts/check-architecture.mjs'],
  unit: [
    ...jest,
    '--silent',
    'libs',
    'plugins',
    'test/architecture',
    '--testPathIgnorePatterns',
    '/node_modules/',
    '\\.int\\.spec\\.ts$',
  ],
};

const wanted = process.argv.slice(2);
const chosen = Object.entries(steps).filter(([name]) => wanted.length === 0 || wanted.includes(name));
const lines = chosen.map(([name, args]) => {
  console.log(`\n== ${name}`);
  const start = performance.now();
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  return {
    good: status === 0,
    text: `${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`,
  };
});
console.log(`\n${lines.map((line) => line.text).join('\n')}`);
process.exitCode = lines.every((line) => line.good) ? 0 : 1;
