/** Chapter: the auditor's script, which shares no code with the service, checks the certificate and shows its one page. */
import { runScript } from './verify-log.js';
import type { Story } from './story.js';
import type { Terminal } from './terminal.js';

export async function tellVerification(story: Story, certificate: string, terminal: Terminal): Promise<void> {
  await story.once('verified', async () => {
    story.say(`node scripts/verify/verify-certificate.mjs ${certificate}`);
    story.say('');
    const page: string[] = [];
    const collected = { ...terminal, say: (line: string) => page.push(line) };
    const status = await runScript('verify/verify-certificate.mjs', [certificate], collected);
    if (status !== 0) throw new Error('the certificate does not verify');
    const file = await story.document('certificate-check.txt', `${page.join('\n')}\n`);
    for (const line of shortened(page, file)) story.say(line);
    return true;
  });
}

/** One line an entry of the ledger: in the terminal the first and the last will do. */
function shortened(page: string[], file: string): string[] {
  const entries = page.flatMap((line, index) =>
    /^ +\d+ {2}\w+\.v\d+ .* under the seal of /.test(line) ? [index] : [],
  );
  const [first = 0, last = 0] = [entries[0], entries.at(-1)];
  if (entries.length < 4) return page;
  const between = `       … and ${entries.length - 2} more between them; all of it: ${file}`;
  return [...page.slice(0, first + 1), between, ...page.slice(last)];
}
