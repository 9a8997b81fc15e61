// Writes libs/client/src/schema.ts from the OpenAPI document of the built server: `npm run client`. The build is allowed to fail in
// types, because a route that changed breaks its callers until this has run; tsc writes the files all the same.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { clientSchema } from './client-schema.mjs';

await build(join(import.meta.dirname, '..'));
const folder = mkdtempSync(join(tmpdir(), 'lethe-client-'));
const environment = { PORT: '0', LETHE_DATA_DIR: join(folder, 'data'), LETHE_ROLES: 'api' };
const server = spawn(process.execPath, ['dist/apps/server/src/main.js'], {
  env: { PATH: process.env.PATH, ...environment },
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const baseUrl = await new Promise((resolve, reject) => {
    let text = '';
    server.stdout.on('data', (chunk) => {
      text += chunk;
      const ready = /ready at (http\S+)/.exec(text);
      if (ready) resolve(ready[1]);
    });
    server.on('exit', (code) => reject(new Error(`the server ended with ${code} before it was ready`)));
  });
  const document = await (await fetch(`${baseUrl}/openapi.json`)).json();
  writeFileSync('libs/client/src/schema.ts', await clientSchema(document));
  console.log(`libs/client/src/schema.ts: ${Object.keys(document.paths).length} paths`);
} finally {
  server.kill('SIGTERM');
  await new Promise((resolve) => server.once('exit', resolve));
  rmSync(folder, { recursive: true, force: true });
}
