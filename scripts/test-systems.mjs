// Runs the suites against real outside systems (test/systems). Fails when none ran: a green line must mean something.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const suites = join(root, 'test', 'systems');
const specs = existsSync(suites)
  ? readdirSync(suites, { recursive: true }).filter((name) => name.endsWith('.spec.ts'))
  : [];
if (specs.length === 0) {
  console.error('There is no suite in test/systems: nothing ran.');
  process.exit(1);
}

const given = process.argv.find((argument) => argument.startsWith('--outputFile='))?.slice('--outputFile='.length);
const folder = mkdtempSync(join(tmpdir(), 'lethe-systems-'));
const report = given ?? join(folder, 'report.json');
const jest = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
  '--runInBand',
];
const choice = [
  '--testMatch',
  join(suites, '**/*.spec.ts'),
  '--testPathIgnorePatterns',
  '/node_modules/',
  '--json',
  `--outputFile=${report}`,
];
const rest = process.argv.slice(2).filter((argument) => !argument.startsWith('--outputFile='));
const result = spawnSync(process.execPath, [...jest, ...choice, ...rest], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
});
const counts = existsSync(report)
  ? JSON.parse(readFileSync(report, 'utf8'))
  : { numPassedTests: 0, numPendingTests: 0 };
rmSync(folder, { recursive: true, force: true });
if (counts.numPassedTests === 0) console.error('No test against a real system ran.');
if (counts.numPendingTests > 0)
  console.error(`${counts.numPendingTests} tests were skipped; a system that cannot be reached is a failure here.`);
process.exitCode = result.status === 0 && counts.numPassedTests > 0 && counts.numPendingTests === 0 ? 0 : 1;
