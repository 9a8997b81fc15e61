// The lint must be able to fail: a file with one fault of each kind is linted with the project's own configuration.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';

const root = join(import.meta.dirname, '..', '..');
const planted = `import { EventBus } from '@nestjs/cqrs';
const later = async (): Promise<void> => undefined;
export function plant(value: any): unknown {
  later();
  return [value, process.env['PATH'], EventBus];
}
export function choose(kind: 'a' | 'b'): number {
  switch (kind) {
    case 'a':
      return 1;
  }
  return 0;
}
${'// padding\n'.repeat(300)}`;

it('the lint catches a planted fault of each kind', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-lint-'));
  const source = join(folder, 'libs', 'law', 'src');
  mkdirSync(source, { recursive: true });
  cpSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    '{"compilerOptions":{"strict":true,"module":"nodenext","types":[]},"include":["libs"]}',
  );
  writeFileSync(join(source, 'plant.ts'), planted);
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const oxlint = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');
  const lint = spawnSync(process.execPath, [oxlint, '--type-aware', '--format=unix', 'libs'], {
    cwd: folder,
    encoding: 'utf8',
  });
  rmSync(folder, { recursive: true, force: true });
  const rules = [...lint.stdout.matchAll(/\[\w+\/(\S+)\]/g)].map((match) => match[1]);
  expect(rules).toEqual(
    expect.arrayContaining([
      'eslint(no-restricted-imports)',
      'eslint(max-lines)',
      'node(no-process-env)',
      'typescript(no-explicit-any)',
      'typescript(no-floating-promises)',
      'typescript(switch-exhaustiveness-check)',
    ]),
  );
  expect(lint.status).toBe(1);
});
