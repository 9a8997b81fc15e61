/** `demo.json`: where the demo runs and the keys of its people; read by the owner only, replaced in one rename. */
import { randomBytes } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFlushed } from '#ledger';
import type { BootstrappedTenant } from './bootstrap-tenant.js';

/** What stands in the file. */
export interface DemoFile {
  baseUrl: string;
  /** `archivist`: a third officer, since whoever approved an erasure cannot attest the search of an archive for it. */
  keys: BootstrappedTenant['keys'] & { archivist: string };
  people: { email: string }[];
  /** RFC 3339; the keys are refused afterwards, the next start issues new ones. */
  validUntil: string;
}

/** Where it stands in a data directory. */
export function demoFilePath(dataDir: string): string {
  return join(dataDir, 'demo.json');
}

/** The file, or undefined when there is none or it cannot be read: then it is written anew. */
export async function readDemoFile(dataDir: string): Promise<DemoFile | undefined> {
  try {
    return JSON.parse(await readFile(demoFilePath(dataDir), 'utf8')) as DemoFile;
  } catch {
    return undefined;
  }
}

/** Writes it whole or not at all. */
export async function writeDemoFile(dataDir: string, content: DemoFile): Promise<void> {
  await writeOwnFile(demoFilePath(dataDir), `${JSON.stringify(content, null, 2)}\n`);
}

/** A file of mode 0600, whole or not at all. */
export async function writeOwnFile(path: string, text: string): Promise<void> {
  const half = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFlushed(half, text);
  await rename(half, path);
}
