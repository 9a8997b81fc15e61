/** What the container file copies is enough to run: the image's folder is laid out from its lines, and asked for what it needs. */
import { execFile } from 'node:child_process';
import { accessSync, constants, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const text = readFileSync('apps/server/deploy/Containerfile', 'utf8');
const run = promisify(execFile);
let image: string;

/** Paths below the top of the repository that the last stage holds. */
const copied = [...text.matchAll(/^COPY --from=build (.+) (\S+)$/gm)].flatMap(([, from = '']) =>
  from.split(' ').map((path) => path.replace('/build/', '')),
);

beforeAll(() => {
  image = mkdtempSync(join(tmpdir(), 'lethe-image-'));
  // Node looks up what a file needs from where it really lies, so what is ours must be a copy.
  for (const path of copied)
    if (path === 'node_modules') symlinkSync(join(process.cwd(), path), join(image, path));
    else if (path === 'libs') mkdirSync(join(image, path));
    else cpSync(path, join(image, path), { recursive: true, filter: (from) => !from.startsWith('plugins/duckdb') });
}, 60_000);
afterAll(() => rmSync(image, { recursive: true, force: true }));

/** Runs a line of module code in the image. */
async function asked(code: string): Promise<string> {
  const words = ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', code];
  return (
    await run(process.execPath, words, { cwd: tmpdir(), env: { PATH: process.env['PATH'] ?? '' } })
  ).stdout.trim();
}

describe('the image', () => {
  it('finds the plugins that are shipped with it', async () => {
    const module = join(image, 'dist/libs/connectors/src/package/plugin-folders.js');
    const found = await asked(
      `import 'reflect-metadata'; const { PluginFolders } = await import(${JSON.stringify(module)});
       console.log(new PluginFolders({ pluginDir: '/nowhere' }).folder('postgres'))`.replace(
        "'reflect-metadata'",
        JSON.stringify(join(process.cwd(), 'node_modules/reflect-metadata/Reflect.js')),
      ),
    );
    expect(found).toBe(join(image, 'plugins/postgres/dist'));
  });

  it('has the command line under the name that the documents use', async () => {
    const [, target = ''] = /ln -s \/opt\/lethe\/(\S+) \/usr\/local\/bin\/lethe/.exec(text) ?? [];
    accessSync(join(image, target), constants.X_OK);
    symlinkSync(join(image, target), join(image, 'lethe'));
    const { stdout } = await run(join(image, 'lethe'), ['due', '--help']);
    expect(stdout).toContain('Usage: lethe due');
  });

  it('starts the service as the systemd unit does, and as `npm start` but without its demonstration', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } };
    const [, unit = ''] =
      /^ExecStart=\/usr\/bin\/(.+)$/m.exec(readFileSync('apps/server/deploy/lethe.service', 'utf8')) ?? [];
    const [, words = '[]'] = /^CMD (.+)$/m.exec(text) ?? [];
    const command = (JSON.parse(words) as string[]).join(' ');
    expect([unit, scripts.start]).toEqual([command, `${command} --demo`]);
  });

  it('takes no data, no keys and nothing that was built elsewhere from a checkout', () => {
    const kept = readFileSync('apps/server/deploy/Containerfile.dockerignore', 'utf8').split('\n');
    expect(kept).toEqual(expect.arrayContaining(['.git', '.data', '.data-keys', '**/node_modules', '**/dist']));
  });
});
