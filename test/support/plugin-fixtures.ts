// Small plugins for specs: written to a folder, installed by content hash, served by the runner built from the sources.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { inspectPlugin, installPlugin, RunningConnection } from '#connectors';
import type { PluginManifest } from '@lethe/plugin-sdk';

const root = join(import.meta.dirname, '../..');

/** Bundles a TypeScript file of the project into one module, as the shipped build does. */
export function bundle(entry: string, outfile: string): string {
  buildSync({
    entryPoints: [join(root, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['source'],
    logLevel: 'error',
    // CommonJS packages inside an ES module bundle still call require.
    banner: { js: 'import { createRequire as r } from "node:module"; const require = r(import.meta.url);' },
  });
  return outfile;
}

const CHECK = "async check() { return { ok: true, account: 'sample' } }";

/** A folder for everything a spec writes. */
export class PluginWorkshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'lethe-spec-'));
  readonly runner = bundle('libs/plugin-sdk/src/runner.ts', join(this.folder, 'runner', 'runner.mjs'));
  /** Stands beside the runner. */
  readonly spawner = bundle('libs/plugin-sdk/src/spawner.ts', join(this.folder, 'runner', 'spawner.mjs'));
  private made = 0;

  /** The functions are passed in, so that this file loads nothing of the server. */
  constructor(private readonly packages: { inspectPlugin: typeof inspectPlugin; installPlugin: typeof installPlugin }) {
    // Plugins run as users of their own and must be able to come in.
    chmodSync(this.folder, 0o755);
  }

  /** Writes a plugin whose connector is the object literal `connector`; `head` stands before it. */
  write(connector: string, manifest: Partial<PluginManifest> = {}, head = ''): string {
    const dir = join(this.folder, `plugin-${++this.made}`);
    mkdirSync(dir);
    writeFileSync(join(dir, manifest.entry ?? 'index.mjs'), `${head}\nexport default { ${CHECK}, ...${connector} };\n`);
    writeFileSync(join(dir, 'lethe.plugin.json'), JSON.stringify({ ...aManifest(), ...manifest }));
    return dir;
  }

  /** Installs such a plugin and gives a connection to it. */
  async connection(
    connector: string,
    manifest: Partial<PluginManifest> = {},
    rest: Partial<RunningConnection> & { head?: string } = {},
  ): Promise<RunningConnection> {
    const { head, ...connection } = rest;
    const dir = this.write(connector, manifest, head);
    const { contentHash } = await this.packages.inspectPlugin(dir);
    const plugin = await this.packages.installPlugin(dir, join(this.folder, 'home'), contentHash);
    return {
      id: `connection-${this.made}`,
      tenant: 'tenant-a',
      plugin,
      config: {},
      secrets: {},
      datasets: ['people'],
      ...connection,
    };
  }

  clean(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A valid manifest of a small plugin. */
export function aManifest(): PluginManifest {
  return {
    id: 'sample',
    version: '1.0.0',
    name: 'Sample',
    publisher: 'Lethe',
    license: 'Apache-2.0',
    protocol: 1,
    kind: 'code',
    entry: 'index.mjs',
    native: false,
    capabilities: ['access', 'erase', 'verify'],
    config: { type: 'object' },
    secrets: [],
    limits: { memoryMb: 128, callTimeoutS: 30, maxConcurrency: 2 },
  };
}

/** All values of an async iterable. */
export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}

/** The `fail.code` a promise rejects with; fails when it resolves. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'resolved',
    (error: unknown) => (error as { fail?: { code: string } }).fail?.code ?? String(error),
  );
}
