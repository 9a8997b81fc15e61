/** docs/first-calls.md is run as it stands: each block in one shell, against a service with the demo's kinds of keys. */
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestServer, type TestServer } from '../support/test-server.js';

const run = promisify(execFile);
const blocks = [...readFileSync('docs/first-calls.md', 'utf8').matchAll(/```sh\n([^]*?)```/g)].map(
  ([, code = '']) => code,
);
const [definitions = '', ...calls] = blocks;
let lethe: TestServer;
let folder: string;

/** Runs the definitions and one block, where a reader would stand: beside `.data`. */
async function shell(block: string): Promise<string[]> {
  const env = { PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` };
  const { stdout } = await run('sh', ['-ec', `${definitions}\n${block}`], { cwd: folder, env });
  return stdout.split('\n').filter(Boolean);
}

beforeAll(async () => {
  lethe = await startTestServer();
  folder = mkdtempSync(join(tmpdir(), 'lethe-first-calls-'));
  for (const name of ['.data', 'bin']) mkdirSync(join(folder, name));
  const { keys } = lethe.tenant;
  writeFileSync(join(folder, '.data/demo.json'), JSON.stringify({ baseUrl: lethe.server.baseUrl, keys }));
  const command = join(process.cwd(), 'dist/apps/cli/src/main.js');
  writeFileSync(join(folder, 'bin/npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${command}' "$@"\n`);
  chmodSync(join(folder, 'bin/npx'), 0o755);
});
afterAll(async () => {
  await lethe.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The document uses curl; a machine may have only Node. */
const possible = spawnSync('curl', ['--version']).error === undefined;
if (!possible) process.stdout.write('the first calls are skipped: there is no curl here\n');

(possible ? describe : describe.skip)('the first calls of the document', () => {
  it('are all answered, none by a problem, and the log can be recomputed', async () => {
    const answers: string[] = [];
    for (const block of calls) {
      if (block.includes('verify-log')) await lethe.server.parts.signer.round();
      answers.push(...(await shell(block)));
    }
    expect(answers.filter((line) => line.includes('urn:lethe:problem'))).toEqual([]);
    expect(answers.find((line) => line.includes('"decision":"permit"'))).toContain('consent-given');
    expect(answers.find((line) => line.startsWith('{"accepted"'))).toContain('"accepted":1');
    expect(answers).toContain('SEAL CHECK: the records are those that were sealed');
  }, 60_000);

  it('(control) a call that is refused would be seen', async () => {
    expect((await shell(`call auditor POST /v1/consents '{}'`)).join()).toContain('urn:lethe:problem');
  }, 30_000);
});
