/** Chapter: a consent is recorded, checked, withdrawn and checked again; its receipt is kept. */
import { people } from '../../server/src/demo-people.js';
import { got, type Story } from './story.js';

const subject = { identifiers: [{ type: 'email', value: people.main.email }] };
const purpose = 'newsletter';

/** Purposes and the notice that the story's people saw. */
async function publish(story: Story): Promise<void> {
  const officer = story.as('officer');
  await officer.PUT('/v1/purposes/{id}', {
    params: { path: { id: purpose } },
    body: { name: 'Newsletter', legalBasis: 'consent', model: 'opt-in', channels: ['email'], validity: 'P2Y' },
  });
  await officer.PUT('/v1/purposes/{id}', {
    params: { path: { id: 'order-handling' } },
    body: { name: 'Order handling', legalBasis: 'contract', model: 'opt-out' },
  });
  await officer.POST('/v1/notices', {
    body: {
      id: 'shop-privacy',
      version: '1',
      language: 'en',
      text: 'We send the newsletter only to people who ask for it. You can withdraw at any time.',
      purposes: [purpose, 'order-handling'],
    },
  });
}

async function decide(
  story: Story,
  decision: 'given' | 'withdrawn',
): Promise<{ id: string; position: number; token: string }> {
  const { records, position, token } = got(
    await story.as('system').POST('/v1/consents', {
      body: {
        subject,
        decisions: [{ purpose, decision, channel: 'email' }],
        notice: { id: 'shop-privacy', version: '1' },
        method: 'web-form',
        collectedAt: new Date().toISOString(),
        evidence: { form: decision === 'given' ? 'newsletter sign-up' : 'unsubscribe link' },
        origin: 'live',
      },
    }),
  );
  return { id: records[0]?.id ?? '', position, token };
}

async function check(story: Story, atLeast: string): Promise<string> {
  const body = { subject, purpose, channel: 'email', atLeast };
  const { decision, reason } = got(await story.as('officer').POST('/v1/consents/check', { body }));
  return `${decision} (${reason})`;
}

/** Returns the path of the receipt. */
export async function tellConsent(story: Story): Promise<string> {
  return story.once('consent', async () => {
    await publish(story);
    const given = await decide(story, 'given');
    story.say(`recorded: given for "${purpose}" by e-mail, at position ${given.position} of the ledger`);
    story.say(`checked:  ${await check(story, given.token)}`);
    const withdrawn = await decide(story, 'withdrawn');
    story.say(`recorded: withdrawn, at position ${withdrawn.position}`);
    story.say(`checked:  ${await check(story, withdrawn.token)}, with the token of the withdrawal`);
    const receipt = got(
      await story.as('officer').GET('/v1/consents/{id}/receipt', { params: { path: { id: withdrawn.id } } }),
    );
    const path = await story.document('consent-receipt.json', `${JSON.stringify(receipt, null, 2)}\n`);
    story.say(`receipt:  ${path}`);
    return path;
  });
}
