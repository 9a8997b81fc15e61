/** Chapter: how long records are kept: the shop's own period is planned, approved and run; a legal duty is planned only. */
import type { components } from '@lethe/client';
import { got, until, type Story } from './story.js';

type Plan = components['schemas']['RetentionPlan'];
type Definition = components['schemas']['RetentionPolicyDefinition'];

async function define(story: Story, id: string, body: Definition): Promise<void> {
  await story.as('officer').PUT('/v1/retention/policies/{id}', { params: { path: { id } }, body });
}

/** Writes nothing in the connected system. */
async function plan(story: Story, policyId: string): Promise<Plan> {
  const made = got(await story.as('officer').POST('/v1/retention/plans', { body: { policyId } }));
  for (const { dataset, action, before, count, held, ruleId } of made.items)
    story.say(
      `plan:     ${dataset}, ${action} what is from before ${before}: ${count} records, ${held} held (${ruleId})`,
    );
  for (const { dataset, code } of made.blocked) story.say(`plan:     ${dataset} is blocked: ${code}`);
  return made;
}

/** Whoever planned may not approve. */
async function run(story: Story, { id, hash }: Plan): Promise<void> {
  const path = { params: { path: { id } } };
  await story.as('officer2').POST('/v1/retention/plans/{id}/approve', { ...path, body: { hash } });
  story.say(`approved: by the second officer, bound to the hash ${hash.slice(0, 16)}…`);
  const ended = await until('the retention run', 120, async () => {
    const now = got(await story.as('officer').GET('/v1/retention/plans/{id}', path));
    return now.status === 'done' || now.status === 'incomplete' ? now : undefined;
  });
  for (const { kind, count, reason } of ended.outcomes)
    story.say(`outcome:  ${count} ${kind}${reason === null ? '' : ` (${reason})`}`);
  if (ended.status !== 'done') throw new Error('the retention run ended incomplete');
}

/** Tells it for the shop's connection. */
export async function tellRetention(story: Story, shop: string): Promise<void> {
  await story.once('retention', async () => {
    await define(story, 'review-authors', {
      connectionId: shop,
      dataset: 'reviews',
      period: 'P4Y',
      action: 'anonymise',
      stripFields: [],
    });
    story.say('policy:   reviews lose their author after four years (the shop’s own rule)');
    const due = await plan(story, 'review-authors');
    // Nothing is due any more when an earlier start was interrupted after the run.
    if (due.counts.due > 0) await run(story, due);
    await define(story, 'invoices-de', {
      connectionId: shop,
      dataset: 'invoices',
      // Read in a secondary source only, so the shop enables the row knowingly.
      duty: { dutyId: 'de-invoice', recordClass: 'invoice', country: 'DE' },
      overrides: { enable: ['de-invoice'] },
      action: 'erase',
      stripFields: ['email', 'phone'],
    });
    story.say(
      'policy:   invoices are kept eight years from the end of their year (§ 147(3) AO), also against an erasure',
    );
    await plan(story, 'invoices-de');
    story.say('          this plan waits for an approval; the requests below do not need it');
    return true;
  });
}
