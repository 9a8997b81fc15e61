/** Appending processes of their own, to be killed: `append-writer.ts` as one bundle. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { TenantId } from '#kernel';

const root = join(import.meta.dirname, '../..');

/** Bundles the appender into a folder; resolves with its path. */
export async function bundleAppender(folder: string): Promise<string> {
  const outfile = join(folder, 'writer.cjs');
  await build({
    ...{ entryPoints: [join(root, 'test/support/append-writer.ts')], outfile, bundle: true },
    ...{ platform: 'node', format: 'cjs', external: ['pg-native'], logLevel: 'error' },
    alias: {
      '#kernel': join(root, 'libs/kernel/src/index.ts'),
      '#ledger': join(root, 'libs/ledger/src/index.ts'),
    },
  });
  return outfile;
}

/** Starts one; it says `<id> <position>` for each acknowledged append on its standard output. */
export function startAppender(outfile: string, url: string, tenant: TenantId): ChildProcess & { stdout: object } {
  return spawn(process.execPath, [outfile, url, tenant], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** `SIGKILL`; resolves when everything it had said has been read. */
export async function killAppender(child: ChildProcess): Promise<void> {
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await closed;
}
