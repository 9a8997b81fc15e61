/** Chapter: a system reports who read what; the entry gets a verdict, and its place in the signed log is proved. */
import { randomUUID } from 'node:crypto';
import { NoteRefused, parseVkey, verifyTlogProof } from '#ledger';
import { people } from '../../server/src/demo-people.js';
import { got, until, type Story } from './story.js';

async function report(story: Story): Promise<number> {
  const entry = (purpose: string, fields: string[]): object => ({ purpose, fields });
  const entries = [entry('newsletter', ['email']), entry('order-handling', ['name', 'address'])].map((one) => ({
    ...(one as { purpose: string; fields: string[] }),
    id: randomUUID(),
    actor: { type: 'service', id: 'mailer' },
    subject: { identifiers: [{ type: 'email', value: people.main.email }] },
    action: 'read',
    resource: 'shop/customers',
    at: new Date().toISOString(),
  }));
  const { lastPosition, accepted } = got(
    await story.as('system').POST('/v1/access-log/entries', { body: { entries } }),
  );
  if (accepted !== entries.length || lastPosition === null) throw new Error('not every access was accepted');
  const body = { subject: entries[0]!.subject, limit: 10 };
  const { items } = got(await story.as('auditor').POST('/v1/access-log/search', { body }));
  for (const { purpose, verdict, position } of items.filter((item) => entries.some(({ id }) => id === item.id)))
    story.say(`reported: read for "${purpose}", verdict ${verdict}, at position ${position}`);
  return lastPosition;
}

/** Returns the path of the proof file. */
export async function tellAccessLog(story: Story): Promise<string> {
  return story.once('access-log', async () => {
    const position = await report(story);
    const auditor = story.as('auditor');
    const { logId, vkey } = got(await auditor.GET('/v1/ledger'));
    const path = { logId, position: String(position) };
    const entry = got(await auditor.GET('/v1/logs/{logId}/entries/{position}', { params: { path } }));
    const bytes = Buffer.from(entry.bytes, 'base64');
    // The log is signed once a second; until then an entry is stored, but not yet under a seal.
    const { proof, size } = await until('the seal over the entry', 20, async () => {
      const { data } = await auditor.GET('/v1/logs/{logId}/entries/{position}/proof', {
        params: { path },
        parseAs: 'text',
      });
      return data === undefined ? undefined : sealed(data, bytes, vkey);
    });
    const file = await story.document('access-entry.tlog-proof', proof);
    story.say(`proved:   position ${position} stands under the signed seal of ${size} records`);
    story.say(`proof:    ${file}`);
    return file;
  });
}

/** Checks leaf hash, path to the root and signature; undefined while the seal does not reach the entry. */
function sealed(proof: string, bytes: Buffer, vkey: string): { proof: string; size: number } | undefined {
  try {
    const { checkpoint } = verifyTlogProof(proof, bytes, parseVkey(vkey));
    return { proof, size: checkpoint.size };
  } catch (error) {
    if (error instanceof NoteRefused) return undefined;
    throw error;
  }
}
