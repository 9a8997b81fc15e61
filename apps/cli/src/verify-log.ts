/** `lethe verify-log`: runs the auditor's own script, which shares no code with the service, against a service or an exported folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { apiAccess, apiOptions, apiUsage } from './api-access.js';
import type { Verb } from './terminal.js';

const usage = [
  'Usage: lethe verify-log [<folder of an export>] [--vkey K] [--since checkpoint] [--witness K]',
  apiUsage,
  '  An auditor brings --vkey from elsewhere; without it the key the service states is believed.',
];

const options = {
  ...apiOptions,
  vkey: { type: 'string' },
  since: { type: 'string', multiple: true, default: [] as string[] },
  witness: { type: 'string', multiple: true, default: [] as string[] },
  help: { type: 'boolean', short: 'h' },
} as const;

export const verifyLogVerb: Verb = async (args, terminal) => {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) {
    usage.forEach(terminal.say);
    return 0;
  }
  const [folder] = positionals;
  const access = folder === undefined ? await apiAccess(terminal, values, 'auditor') : undefined;
  const { vkey, since, witness } = values;
  const words = [
    folder ?? access?.baseUrl ?? '',
    ...(vkey === undefined ? [] : ['--vkey', vkey]),
    ...since.flatMap((file) => ['--since', file]),
    ...witness.flatMap((key) => ['--witness', key]),
  ];
  return runScript('verify/verify-log.mjs', words, terminal, access ? { LETHE_API_KEY: access.key } : {});
};

/** Runs one of `scripts/` as a process of its own and passes its lines on. */
export async function runScript(
  name: string,
  words: string[],
  terminal: Parameters<Verb>[1],
  environment: Record<string, string> = {},
): Promise<number> {
  const child = spawn(process.execPath, [scriptPath(name), ...words], {
    env: { ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const passOn = (stream: NodeJS.ReadableStream, tell: (line: string) => void): Promise<void> =>
    text(stream).then((all) => {
      if (all !== '') all.replace(/\n$/, '').split('\n').forEach(tell);
    });
  const ended = once(child, 'close') as Promise<[number | null]>;
  await Promise.all([passOn(child.stdout, terminal.say), passOn(child.stderr, terminal.complain)]);
  return (await ended)[0] ?? 1;
}

/** Sources and build lie at the same depth below a folder with `scripts`; the build's has only the launcher. */
function scriptPath(name: string): string {
  const candidates = ['../../../scripts/', '../../../../scripts/'].map((up) =>
    fileURLToPath(new URL(up + name, import.meta.url)),
  );
  return candidates.find((path) => existsSync(path)) ?? name;
}
