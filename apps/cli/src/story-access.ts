/** Chapter: the person asks what is known about them, and gets all of it and nothing of their near twins'. */
import { got, type Story } from './story.js';
import { approve, attestWith, follow, open, plan, saveAnswer } from './story-request.js';

/** Returns the path of the package. */
export async function tellAccess(story: Story): Promise<string> {
  return story.once('access', async () => {
    const id = await open(story, 'access');
    const path = { params: { path: { id } } };
    const before = got(await story.as('officer').GET('/v1/requests/{id}', path));
    if (['identifying', 'deciding'].includes(before.status)) {
      const { hash } = await plan(story, id);
      await approve(story, id, 'officer', hash);
    }
    // One approval is enough to hand over; the other officer attests for the archive.
    const closed = await follow(story, id, (request) => attestWith(story, 'officer2', request));
    const bytes = got(await story.as('officer').GET('/v1/requests/{id}/package', { ...path, parseAs: 'arrayBuffer' }));
    const file = await story.document('access-package.zip', new Uint8Array(bytes as unknown as ArrayBuffer));
    await saveAnswer(story, id, 'access-answer.html');
    story.say(`package:  ${file} (${closed.package?.records ?? 0} records; this download is in the access log)`);
    return file;
  });
}
