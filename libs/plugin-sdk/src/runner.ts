/** What the host starts for every connection: `node runner.mjs <plugin folder> [process id of its parent]`. Reads the manifest, serves the entry. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Connector } from './connector.js';
import type { PluginManifest } from './manifest.js';
import { serve } from './runtime.js';
import { traceOf } from './runtime-errors.js';

/** EX_SOFTWARE of sysexits: the plugin broke, not the host. */
const BROKEN = 70;

function die(error: unknown): void {
  // Never the message: drivers quote values in it.
  process.stderr.write(`${traceOf(error)}\n`);
  process.exit(BROKEN);
}

// Else this signal, from a plugin of another connection under the same user, opens Node's inspector.
process.on('SIGUSR1', () => undefined);
process.on('uncaughtException', die);
process.on('unhandledRejection', die);

const [, , folder = '.', parent] = process.argv;
// The kernel ends a plugin with its parent, once it was asked to. Who has lost it before ends here.
if (parent !== undefined && process.ppid !== Number(parent)) process.exit(0);
const manifest = JSON.parse(readFileSync(join(folder, 'lethe.plugin.json'), 'utf8')) as PluginManifest;
const loaded: unknown = await import(pathToFileURL(join(folder, manifest.entry)).href);
serve(connectorOf(loaded), { id: manifest.id, version: manifest.version });

/** The default export; a CommonJS bundle wraps it once more. */
function connectorOf(module: unknown): Connector {
  let found = module;
  for (let depth = 0; depth < 3; depth++) {
    if (typeof (found as Partial<Connector>).check === 'function') return found as Connector;
    found = (found as { default?: unknown }).default ?? {};
  }
  throw new TypeError('the entry has no connector as its default export');
}
