/** Chapter: the person asks to be forgotten: plan, two approvals, every dataset's outcome, answer and certificate. */
import { got, type Story } from './story.js';
import { approve, attestWith, follow, nameOf, open, plan, saveAnswer, type Request } from './story-request.js';

/** Returns the path of the certificate. */
export async function tellErasure(story: Story): Promise<string> {
  return story.once('erasure', async () => {
    const id = await open(story, 'erasure');
    const path = { params: { path: { id } } };
    const before = got(await story.as('officer').GET('/v1/requests/{id}', path));
    if (['identifying', 'deciding'].includes(before.status)) {
      const { hash } = await plan(story, id, 'gdpr-17-1-b');
      await approve(story, id, 'officer', hash);
      await approve(story, id, 'officer2', hash);
    }
    // A third human: who ordered an erasure may not attest the work of others for it.
    const closed = await follow(story, id, (request) => attestWith(story, 'archivist', request));
    table(story, closed);
    await saveAnswer(story, id, 'erasure-answer.html');
    const certificate = got(await story.as('auditor').GET('/v1/requests/{id}/certificate', path));
    const file = await story.document('certificate.json', `${JSON.stringify(certificate, null, 2)}\n`);
    const page = got(
      await story.as('auditor').GET('/v1/requests/{id}/certificate', {
        params: { path: { id }, query: { format: 'html' } },
        parseAs: 'text',
      }),
    );
    await story.document('certificate.html', String(page));
    story.say(`certificate: ${file}, to read: certificate.html beside it`);
    return file;
  });
}

/** What became of each dataset. */
function table(story: Story, { targets, aftercare }: Request): void {
  story.say('');
  for (const { name, outcomes, verification, horizon, isolation } of targets) {
    story.say(
      `${nameOf(name)}${isolation === null ? '' : ` (ran as: ${isolation})`}, read again: ${verification.status}`,
    );
    for (const { dataset, kind, count, citation, reason, until } of outcomes) {
      const why = [citation ?? reason, until ? `until ${until}` : undefined].filter(Boolean).join(', ');
      story.say(`  ${dataset.padEnd(24)} ${String(count).padStart(3)} ${kind.padEnd(12)} ${why}`.trimEnd());
    }
    for (const { layer, until } of latest(horizon))
      story.say(`  copies in ${layer}: until ${until ?? 'no day is known'}`);
  }
  for (const { dataset, count, until, citation } of aftercare)
    story.say(`later, by itself: ${count} of ${dataset} on ${until ?? 'a day not known yet'} (${citation ?? ''})`);
  story.say('');
}

type Horizon = Request['targets'][number]['horizon'][number];

/** One line a layer, the latest day first named. */
function latest(horizon: Horizon[]): Horizon[] {
  const layers = new Map<string, Horizon>();
  for (const one of horizon) {
    const known = layers.get(one.layer);
    if (!known || (known.until !== null && (one.until === null || one.until > known.until))) layers.set(one.layer, one);
  }
  return [...layers.values()];
}
