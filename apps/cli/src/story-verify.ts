/** Chapter: the auditor's script, which shares no code with the service, checks the certificate and shows its one page. */
import { runScript } from './verify-log.js';
import type { Story } from './story.js';
import type { Terminal } from './terminal.js';

export async function tellVerification(story: Story, certificate: string, terminal: Terminal): Promise<void> {
  await story.once('verified', async () => {
    story.say(`node scripts/verify/verify-certificate.mjs ${certificate}`);
    story.say('');
    const indented = { ...terminal, say: (line: string) => story.say(line) };
    const status = await runScript('verify/verify-certificate.mjs', [certificate], indented);
    if (status !== 0) throw new Error('the certificate does not verify');
    return true;
  });
}
