/** What an access and an erasure request have in common: receipt, identity, plan, approval, the archive's task, the wait. */
import type { components } from '@lethe/client';
import { people } from '../../server/src/demo-people.js';
import { got, until, type Actor, type Story } from './story.js';

export type Request = components['schemas']['Request'];
type Plan = components['schemas']['RequestPlan'];
type Type = 'access' | 'erasure';

const identifier = { type: 'email', value: people.main.email };
const at = (id: string) => ({ params: { path: { id } } });

/** Receives the request and proves who asks; kept, so that a story that broke off goes on with the same case. */
export function open(story: Story, type: Type): Promise<string> {
  return story.once(`${type}-request`, async () => {
    const officer = story.as('officer');
    const body = { type, regimes: ['eu-gdpr'], subject: { identifiers: [identifier] }, channel: 'mail' };
    const { id, dueOn } = got(await officer.POST('/v1/requests', { body }));
    story.say(`received: request ${id}, the answer is due on ${dueOn}`);
    const proof = {
      identifier,
      method: 'attest' as const,
      note: 'Answered from the known mailbox and named an order.',
    };
    await officer.POST('/v1/requests/{id}/identify', { ...at(id), body: proof });
    story.say('identity: attested by an officer; nothing of an unproven identifier leaves or is erased');
    return id;
  });
}

/** Prints what would happen to each dataset, and on what ground. */
export async function plan(story: Story, id: string, ground?: string): Promise<Plan> {
  const body = ground === undefined ? {} : { ground };
  const made = got(await story.as('officer').POST('/v1/requests/{id}/plan', { ...at(id), body }));
  for (const { type, masked, strength, from } of made.identifiers) {
    const system = made.systems.find((one) => one.connectionId === from?.connectionId)?.name;
    story.say(
      `known by: ${type} ${masked} (${strength}${from ? `, read in ${system ?? 'Lethe'}/${from.dataset}` : ''})`,
    );
  }
  for (const { name, datasets } of made.systems) {
    story.say(`plan for ${name}:`);
    for (const dataset of datasets) for (const line of decisions(dataset)) story.say(`  ${line}`);
  }
  for (const { name, owner, why } of made.unsearched) story.say(`not searched: ${name}. ${why} A task for: ${owner}`);
  for (const { code, dataset, count } of made.blockers) story.say(`blocked:  ${code} in ${dataset ?? '-'} (${count})`);
  return made;
}

function decisions({ name, decisions: all, leftAlone }: Plan['systems'][number]['datasets'][number]): string[] {
  const left = leftAlone > 0 ? `; ${leftAlone} of others are left alone` : '';
  if (all.length === 0) return [`${name.padEnd(24)} nothing found${left}`];
  return all.map(({ action, count, kind, ruleId, citation, untilTo }) => {
    const until = untilTo === null ? '' : ` until ${untilTo}`;
    return `${name.padEnd(24)} ${String(count).padStart(3)} ${action.padEnd(9)} ${kind}: ${citation ?? ruleId}${until}${left}`;
  });
}

/** Approves as one officer and tells how many are still needed. */
export async function approve(story: Story, id: string, who: 'officer' | 'officer2', hash: string): Promise<void> {
  const body = { planHash: hash };
  const { approvals, needed } = got(await story.as(who).POST('/v1/requests/{id}/approve', { ...at(id), body }));
  story.say(`approved: by ${who}, ${approvals} of ${needed}, bound to the plan's hash ${hash.slice(0, 16)}…`);
}

/** Follows the request until it is closed; `attest` does the work of systems without a connector. */
export async function follow(story: Story, id: string, attest: (request: Request) => Promise<void>): Promise<Request> {
  let shown = '';
  const closed = await until('the request to be closed', 180, async () => {
    const request = got(await story.as('officer').GET('/v1/requests/{id}', at(id)));
    const states = request.targets.map(({ name, status }) => `${nameOf(name)} ${status}`);
    const line = [request.status, ...states].join(', ');
    if (line !== shown) story.say(`progress: ${line} (position ${request.position})`);
    shown = line;
    if (request.status === 'incomplete' && request.targets.some(({ status }) => status === 'failed'))
      throw new Error(`the request is incomplete: ${request.reasons.map(({ code }) => code).join(', ')}`);
    if (request.tasks.some(({ status }) => status === 'open')) await attest(request);
    return request.status === 'closed' ? request : undefined;
  });
  story.say(`closed:   ${closed.resolution ?? ''}`);
  return closed;
}

/** How a target is called for readers. */
export function nameOf(name: string): string {
  return name === 'lethe' ? 'Lethe itself' : name;
}

/** Attests the open tasks as somebody who did not approve. */
export async function attestWith(story: Story, who: Actor, { id, tasks }: Request): Promise<void> {
  for (const task of tasks.filter(({ status }) => status === 'open')) {
    const body = { outcome: 'nothing-found' as const, proof: 'Shelves A to F were searched by customer number.' };
    const path = { params: { path: { id, taskId: task.id } } };
    await story.as(who).POST('/v1/requests/{id}/tasks/{taskId}/complete', { ...path, body });
    story.say(`task:     ${task.system} was searched by hand, nothing found; attested by a human who did not approve`);
  }
}

/** Saves the newest answer to the person as the page to print. */
export async function saveAnswer(story: Story, id: string, name: string): Promise<string> {
  const { items } = got(await story.as('officer').GET('/v1/requests/{id}/answers', at(id)));
  const last = items.at(-1);
  if (!last) throw new Error('there is no answer to the person');
  const page = got(
    await story.as('officer').GET('/v1/requests/{id}/answers/{n}', {
      params: { path: { id, n: last.n }, query: { format: 'html' } },
      parseAs: 'text',
    }),
  );
  const path = await story.document(name, page);
  story.say(`answer:   ${path} (${last.kind}, by ${last.channel})`);
  return path;
}
