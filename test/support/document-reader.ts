/** Somebody who follows a document: runs its `sh` blocks as they stand, in a folder that looks like a checkout. */
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The documents use curl; a machine may have only Node. */
export const canFollow = spawnSync('curl', ['--version']).error === undefined;
if (!canFollow) process.stdout.write('following the documents is skipped: there is no curl here\n');

/** Every `sh` block of a document, in order. */
export function blocksOf(document: string): string[] {
  return [...readFileSync(document, 'utf8').matchAll(/```sh\n([^]*?)```/g)].map(([, code = '']) => code);
}

export interface DocumentReader {
  /** Runs a script; the lines it printed. Errors: it exited with another status than 0, or took two minutes. */
  shell(script: string): Promise<string[]>;
  leave(): void;
}

/** @param demo what stands in `.data/demo.json`: the base URL and the keys */
export function readDocuments(demo: { baseUrl: string; keys: object }): DocumentReader {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-reader-'));
  for (const name of ['.data', 'bin']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, '.data/demo.json'), JSON.stringify(demo));
  symlinkSync(join(process.cwd(), 'scripts'), join(folder, 'scripts'));
  const command = join(process.cwd(), 'dist/apps/cli/src/main.js');
  writeFileSync(join(folder, 'bin/npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${command}' "$@"\n`);
  chmodSync(join(folder, 'bin/npx'), 0o755);
  const env = { PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` };
  return {
    shell: async (script) => {
      const { stdout } = await run('sh', ['-ec', script], { cwd: folder, env, timeout: 120_000 });
      return stdout.split('\n').filter(Boolean);
    },
    leave: () => rmSync(folder, { recursive: true, force: true }),
  };
}
