/** `lethe due`: the arithmetic of a deadline, line by line, from the law rows alone. */
import { parseArgs } from 'node:util';
import { systemClock } from '#kernel';
import { assertExtension, dateInZone, explainDue, REGIMES, REQUEST_TYPES, type ClocksInput } from '#law';
import { Usage, type Verb } from './terminal.js';

const usage = [
  'Usage: lethe due --regime eu-gdpr [--regime uk-gdpr] --type erasure --received 2026-01-31 [--territory DE-BE]',
  '  --extend <reason>   with the extension the first regime allows for that reason, counted from the original day',
  '  --as-of <day>       the day to look from; today when absent',
];

const options = {
  regime: { type: 'string', multiple: true },
  type: { type: 'string' },
  received: { type: 'string' },
  territory: { type: 'string' },
  extend: { type: 'string' },
  'as-of': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export const dueVerb: Verb = async (args, terminal) => {
  const { values } = parseArgs({ args, options });
  if (values.help) usage.forEach(terminal.say);
  else for (const line of explainDue(inputOf(values))) terminal.say(line);
  return Promise.resolve(0);
};

interface Words {
  regime?: string[];
  type?: string;
  received?: string;
  territory?: string;
  extend?: string;
  'as-of'?: string;
}

function inputOf({ regime = [], type, received, territory, extend, ...rest }: Words): ClocksInput {
  if (type === undefined || received === undefined) throw new Usage(`--type and --received are needed. ${usage[0]}`);
  const regimes = regime.map((one) => chosen('--regime', REGIMES, one));
  const [first] = regimes;
  if (first === undefined) throw new Usage(`--regime is needed. ${usage[0]}`);
  const input: ClocksInput = {
    regimes,
    type: chosen('--type', REQUEST_TYPES, type),
    receivedOn: received,
    territory,
    asOf: rest['as-of'] ?? dateInZone(systemClock.now(), 'UTC'),
  };
  if (extend === undefined) return input;
  assertExtension(input, { regime: first, reason: extend, noticeOn: received });
  return { ...input, extended: { [first]: true } };
}

function chosen<Word extends string>(option: string, words: readonly Word[], given: string): Word {
  const found = words.find((word) => word === given);
  if (found === undefined) throw new Usage(`${option} takes one of: ${words.join(', ')}.`);
  return found;
}
