// Starts our server in a process of its own, on databases of its own.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from './processes.mjs';

/** @param {import('./setting.mjs').Setting} setting */
export async function startLethe({ newDatabase, folder }, name) {
  const ledger = await newDatabase(name, 'ledger');
  const keystore = await newDatabase(`${name}_keys`, 'keystore');
  const own = join(folder, name);
  mkdirSync(own);
  const args = { ledgerUrl: ledger.appUrl, keystoreUrl: keystore.appUrl, folder: own };
  const process = await startProcess(join(import.meta.dirname, 'serve-lethe.mjs'), { args });
  return { ...process, ownerUrls: [ledger.ownerUrl, keystore.ownerUrl] };
}
