/** `lethe due` says what the law rows say, and the command line says what it did not understand. */
import { describe, expect, it } from '@jest/globals';
import { runVerb } from './run-verb.js';

async function lethe(...words: string[]): Promise<{ status: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    say: (line: string) => out.push(line),
    complain: (line: string) => err.push(line),
    environment: {},
  };
  const status = await runVerb(words, terminal as never);
  return { status, out: out.join('\n'), err: err.join('\n') };
}

const due = (regime: string, type: string, received: string, ...rest: string[]) =>
  lethe('due', '--regime', regime, '--type', type, '--received', received, '--as-of', received, ...rest);

describe('lethe due', () => {
  it.each([
    ['uk-gdpr', 'access', '2026-09-03', ['--territory', 'GB-ENG'], '2026-10-05'],
    ['eu-gdpr', 'access', '2027-06-14', ['--territory', 'FR'], '2027-07-15'],
    ['eu-gdpr', 'access', '2026-11-20', ['--territory', 'DE-BE'], '2026-12-21'],
    ['eu-gdpr', 'access', '2027-02-08', ['--territory', 'DE-BE'], '2027-03-09'],
    ['eu-gdpr', 'access', '2027-02-08', ['--territory', 'DE-BY'], '2027-03-08'],
    ['eu-gdpr', 'erasure', '2026-11-20', ['--territory', 'DE-BE', '--extend', 'complexity'], '2027-02-22'],
    ['us-ca', 'access', '2026-11-20', [], '2027-01-04'],
  ])('%s %s received %s %j is due on %s', async (regime, type, received, rest, expected) => {
    const { status, out } = await due(regime, type, received, ...rest);
    expect(status).toBe(0);
    expect(out.split('\n').at(-1)).toMatch(new RegExp(`^leading: ${regime} respond, due .*${expected}`));
  });

  it('would not agree with a month counted as 30 days', async () => {
    expect((await due('eu-gdpr', 'access', '2026-11-20', '--territory', 'DE-BE')).out).not.toMatch(/due .*2026-12-20/);
  });

  it('refuses an extension for a reason the law does not know', async () => {
    const { status, err } = await due('eu-gdpr', 'erasure', '2026-11-20', '--extend', 'holiday-season');
    expect(status).toBe(1);
    expect(err).toMatch(/reason/);
  });

  it.each([
    [['--regime', 'mars'], /eu-gdpr/],
    [['--regime', 'eu-gdpr', '--type', 'forgetting', '--received', '2026-01-01'], /erasure/],
    [['--regime', 'eu-gdpr', '--unknown'], /unknown/i],
  ])('says what it takes: %j', async (words, expected) => {
    const { status, err } = await lethe('due', '--type', 'access', '--received', '2026-01-01', ...words);
    expect(status).toBe(2);
    expect(err).toMatch(expected);
  });
});

describe('lethe', () => {
  it('lists its verbs', async () => {
    const { status, out } = await lethe('--help');
    expect(status).toBe(0);
    for (const verb of ['migrate', 'bootstrap', 'demo', 'doctor', 'rebuild', 'verify-log', 'due', 'plugin'])
      expect(out).toMatch(new RegExp(`^  ${verb} `, 'm'));
  });

  it.each(['migrate', 'bootstrap', 'demo', 'doctor', 'rebuild', 'verify-log', 'due', 'plugin'])(
    '%s explains itself',
    async (verb) => {
      const { status, out } = await lethe(verb, '--help');
      expect(status).toBe(0);
      expect(out).toMatch(new RegExp(`^Usage: lethe ${verb}`));
    },
  );

  it.each([['forget'], ['constructor'], ['__proto__']])('does not know %s', async (verb) => {
    const { status, err } = await lethe(verb);
    expect(status).toBe(2);
    expect(err).toMatch(/migrate, bootstrap/);
  });
});
