/** Where a running service is and with which key it is called: the environment's, else those of the demo. */
import { readFile } from 'node:fs/promises';
import { readConfig } from '#platform';
import { readDemoFile, type DemoFile } from '../../server/src/demo-file.js';
import { Usage, type Terminal } from './terminal.js';

/** Options that every verb over the API takes. */
export const apiOptions = { url: { type: 'string' }, 'key-file': { type: 'string' } } as const;

/** One line about them. */
export const apiUsage = '  --url and --key-file (or LETHE_API_KEY) name service and key; otherwise those of the demo';

/** Address and key. `as` is whose key of the demo is used. Errors: says what to set. */
export async function apiAccess(
  { environment }: Terminal,
  { url, 'key-file': keyFile }: { url?: string; 'key-file'?: string },
  as: keyof DemoFile['keys'],
): Promise<{ baseUrl: string; key: string }> {
  const config = readConfig(environment);
  const demo = await readDemoFile(config.dataDir);
  const given = keyFile === undefined ? config.LETHE_API_KEY : (await readFile(keyFile, 'utf8')).trim();
  // A key of the demo never leaves for an address that somebody typed.
  const key = given ?? (url === undefined || url === demo?.baseUrl ? demo?.keys[as] : undefined);
  if (key === undefined) throw new Usage('no key: set LETHE_API_KEY, or --key-file with a file that holds one.');
  return { baseUrl: url ?? demo?.baseUrl ?? `http://${config.LETHE_HOST}:${config.PORT}`, key };
}
