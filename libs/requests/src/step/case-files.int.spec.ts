/** The end of case files: each has a key of its own, and none lives for ever, whatever became of its request. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { newId, type SubjectId } from '#kernel';
import type { NewEvent } from '#ledger';
import type { RequestView } from '../reading/request-view.js';
import type { RequestState } from '../request-state.js';
import { fact } from '../request.js';
import { ReplayErasures, type ReplayedStep } from './replay-erasures.js';
import {
  ada,
  approveByTwo,
  approved as approvedOf,
  hold,
  planned,
  shopOfAda,
} from '../../../../test/support/approved-erasure.js';
import { fakeCalls, type FakeSystem } from '../../../../test/support/fake-systems.js';
import { requestsPerSpec, type RequestsFixture } from '../../../../test/support/requests-fixture.js';
import { until as comes } from '../../../../test/support/until.js';

const HOUR = 3_600_000;
/** Sealed under a key of its own, and as files were before. */
const FILES = [false, true];

/** Another request of the same person, sealed under the same key. */
function received(first: RequestState, requestId: string): NewEvent {
  const { subjectId, regimes, territory, timeZone, receivedAt, receivedOn, channel } = first;
  const identifiers = first.identifiers.map(({ id, type, value }) => ({ id, type, value }));
  const rest = { type: 'erasure' as const, purposes: [], ambiguous: false, backdated: false };
  const at = { regimes, territory, timeZone, receivedAt, receivedOn, channel };
  return fact('RequestReceived.v1', { requestId, subjectId, identifiers, ...at, ...rest });
}

describe('a case file', () => {
  const open = requestsPerSpec();
  let shop: FakeSystem;

  beforeEach(() => {
    shop = shopOfAda();
  });

  const opened = (asBefore = false): Promise<RequestsFixture> => open([shop], { asBefore });
  const erased = (one: RequestView): string[] =>
    one.aftercare.flatMap(({ dataset, status }) => (status === 'erased' ? [dataset] : [])).sort();
  const isOpen = async (all: RequestsFixture, id: string): Promise<boolean> => {
    const state = await all.requests.load(all.tenant, id);
    return all.file.identifiers(all.tenant, state).then(
      () => true,
      () => false,
    );
  };
  /** Time goes on in steps until the file does not open any more; false when it never ends. */
  const ends = async (all: RequestsFixture, id: string, from: string, steps = 100): Promise<boolean> => {
    all.clock.set(new Date(from));
    for (let step = 0; step < steps; step++) {
      if (!(await isOpen(all, id))) return true;
      all.clock.advance(3 * HOUR);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return false;
  };

  it('of before stays as long as another request of the same person needs it: they share her key', async () => {
    const all = await opened(true);
    const id = await approvedOf(all);
    const view = await all.until(id, (one) => one.status === 'closed');
    const until = view.aftercare.find(({ dataset }) => dataset === 'cases')?.until;
    expect(until).toBe('2029-12-31');
    const first = await all.requests.load(all.tenant, id);
    const other = newId();
    // Came in before she was erased here, and lies with the office still.
    await all.store.append({
      ...{ tenant: all.tenant, actorRef: 'member:clerk' },
      events: [received(first, other), fact('RequestTriaged.v1', { requestId: other, needsProof: true })],
    });
    all.clock.set(new Date('2030-01-01T09:00:00Z'));
    const ended = (one: RequestView): boolean =>
      one.aftercare.some(({ dataset, status }) => dataset === 'consent-records' && status === 'erased');
    expect(ended(await all.until(id, ended))).toBe(true);
    const herKey = () => all.keyStore.find(all.tenant, first.subjectId, 'case');
    await expect(herKey()).resolves.toHaveProperty('key');
    await all.course.withdraw(all.by('officer'), other, { reason: 'she does not want it any more' });
    await all.until(other, (one) => one.status === 'closed');
    all.clock.set(new Date('2030-01-03T09:00:00Z'));
    // A look that came a moment too early comes again.
    const last = await all.untilLater(id, (one) => one.aftercare.every(({ status }) => status === 'erased'), 60_000);
    expect(last.aftercare.map(({ status }) => status)).toEqual(['erased', 'erased', 'erased']);
    await expect(herKey()).resolves.toEqual({ missing: 'shredded' });
  });

  it.each(FILES)('ends last, because only its list finds what else is kept (of before: %s)', async (asBefore) => {
    const all = await opened(asBefore);
    all.rules.holds.set('lethe/access-log', hold);
    const id = await approvedOf(all);
    await all.until(id, (one) => one.status === 'closed');
    all.clock.set(new Date('2030-01-02T09:00:00Z'));
    await all.until(id, (one) => erased(one).includes('consent-records'));
    for (let minutes = 0; minutes < 10; minutes++) {
      all.clock.advance(60_000);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(erased(await all.view(id))).toEqual(['consent-records']);
    all.rules.holds.clear();
    const last = await all.untilLater(id, (one) => erased(one).length === 3, HOUR / 2);
    expect(erased(last)).toEqual(['access-log', 'cases', 'consent-records']);
  });

  it.each(FILES)(
    'is said to be erased, though the attempt that erased it crashed right after (of before: %s)',
    async (asBefore) => {
      const all = await opened(asBefore);
      const id = await approvedOf(all);
      await all.until(id, (one) => one.status === 'closed');
      all.erasure.crashesAfter = 'case';
      all.clock.set(new Date('2030-01-02T09:00:00Z'));
      const last = await all.untilLater(
        id,
        (one) => one.aftercare.every(({ status }) => status === 'erased'),
        HOUR / 2,
      );
      expect(all.erasure.crashesAfter).toBeUndefined();
      expect(last.aftercare.map(({ status }) => status)).toEqual(['erased', 'erased', 'erased']);
    },
  );

  it('of an access request ends three years after the year of its close, and she lives on', async () => {
    const all = await opened();
    const { id, hash } = await planned(all, 'access');
    await all.approve(id, hash, 'officer');
    await all.until(id, (one) => one.status === 'closed');
    const { subjectId } = await all.requests.load(all.tenant, id);
    all.clock.set(new Date('2029-12-31T12:00:00Z'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await isOpen(all, id)).toBe(true);
    expect(await ends(all, id, '2030-01-01T09:00:00Z')).toBe(true);
    // Together with what lies on disk of its package.
    expect(all.collected.removed).toEqual([id]);
    expect(await all.people.find(all.tenant, subjectId)).toMatchObject({ status: 'active' });
    const reason = { reason: 'she complained', cause: 'complaint' as const };
    await expect(all.course.reopen(all.by('officer'), id, reason)).rejects.toMatchObject({ code: 'case-unreadable' });
    const again = await all.open('access', ada.value);
    expect(await isOpen(all, again.id)).toBe(true);
    expect((await all.requests.load(all.tenant, again.id)).subjectId).toBe(subjectId);
  });

  it('of an ambiguous request leaves no key of its stand-in', async () => {
    const all = await opened();
    const other = { type: 'email', value: 'ada.other@example.test' };
    await all.open('access', ada.value);
    await all.open('access', other.value);
    const { id } = await all.open('erasure', ada.value, { subject: { identifiers: [ada, other] } });
    const { subjectId, ambiguous } = await all.requests.load(all.tenant, id);
    expect(ambiguous).toBe(true);
    // What is sealed for the stand-in elsewhere, such as a task of a connected system.
    await all.base.sealer.seal(all.tenant, subjectId, 'case', 'a task', 'task');
    await all.course.withdraw(all.by('officer'), id, { reason: 'it was not her' });
    await all.until(id, (one) => one.status === 'closed');
    expect(await ends(all, id, '2030-01-01T09:00:00Z')).toBe(true);
    // The file's own key goes before it.
    await comes('the key of the stand-in is gone', async () => {
      const found = await all.keyStore.find(all.tenant, subjectId, 'case');
      return 'missing' in found && found.missing === 'shredded';
    });
  });

  it('stays while a hold names the person, whatever it covers: its words are sealed beside it', async () => {
    const all = await opened();
    const id = await approvedOf(all);
    await all.until(id, (one) => one.status === 'closed');
    const { subjectId } = await all.requests.load(all.tenant, id);
    all.rules.named.add(subjectId);
    await all.base.sealer.seal(all.tenant, subjectId, 'case', 'why it is held', 'hold');
    all.clock.set(new Date('2030-01-02T09:00:00Z'));
    await all.untilLater(id, (one) => erased(one).length === 2, HOUR / 2);
    expect(await ends(all, id, '2030-01-05T09:00:00Z', 12)).toBe(false);
    await expect(all.keyStore.find(all.tenant, subjectId, 'case')).resolves.toHaveProperty('key');
    all.rules.named.clear();
    expect(await ends(all, id, '2030-02-05T09:00:00Z')).toBe(true);
  });

  it('does not wait for what only a human can lift', async () => {
    const all = await opened();
    const invoices = shop.view.datasets.find(({ name }) => name === 'invoices')!;
    Object.assign(invoices, { action: 'retain' });
    const id = await approvedOf(all);
    const view = await all.until(id, (one) => one.status === 'closed');
    expect(view.aftercare).toContainEqual(expect.objectContaining({ dataset: 'invoices', until: null }));
    expect(await ends(all, id, '2030-01-01T09:00:00Z')).toBe(true);
  });

  it('whose key is lost does not keep evidence from ending on its day', async () => {
    const all = await opened();
    const id = await approvedOf(all);
    await all.until(id, (one) => one.status === 'closed');
    const { keyHolder } = await all.requests.load(all.tenant, id);
    await all.keyStore.shred(all.tenant, keyHolder, ['case']);
    all.clock.set(new Date('2030-01-02T09:00:00Z'));
    const last = await all.untilLater(id, (one) => erased(one).length === 3, HOUR / 2);
    expect(erased(last)).toEqual(['access-log', 'cases', 'consent-records']);
  });

  it('whose own key is lost ends like any other', async () => {
    const all = await opened();
    const { id } = await all.open('access', ada.value);
    await all.keyStore.shred(all.tenant, id as SubjectId, ['case']);
    await all.course.withdraw(all.by('officer'), id, { reason: 'she asks anew' });
    await all.until(id, (one) => one.status === 'closed');
    all.clock.set(new Date('2030-01-01T09:00:00Z'));
    await all.until(id, () => all.collected.removed.includes(id));
    expect((await all.requests.load(all.tenant, id)).fileEnded).toBe(true);
  });

  it('serves the round of a reopening too: it stays as long as after its last close', async () => {
    const all = await opened();
    const id = await approvedOf(all);
    await all.until(id, (one) => one.status === 'closed');
    all.clock.set(new Date('2028-03-01T09:00:00Z'));
    await all.course.reopen(all.by('officer'), id, { reason: 'a letter was found', cause: 'late-find' });
    await all.course.withdraw(all.by('officer'), id, { reason: 'it was somebody else’s' });
    await all.until(id, (one) => one.status === 'closed');
    all.clock.set(new Date('2030-01-02T09:00:00Z'));
    await all.untilLater(id, (one) => erased(one).length === 2, HOUR / 2);
    expect(await ends(all, id, '2030-01-05T09:00:00Z', 12)).toBe(false);
    expect(await ends(all, id, '2032-01-02T09:00:00Z')).toBe(true);
  });

  it('stays for a hold that names whom only a later round was about, on the day of the first one too', async () => {
    const all = await opened();
    const id = await approvedOf(all);
    await all.until(id, (one) => one.status === 'closed');
    // Nobody knows any more who she was: she is a new person.
    const again = await all.open('access', ada.value);
    const { subjectId } = await all.requests.load(all.tenant, again.id);
    await all.course.withdraw(all.by('officer'), again.id, { reason: 'she wants to be forgotten' });
    await all.course.reopen(all.by('officer'), id, { reason: 'she came back', cause: 'late-find' });
    await approveByTwo(all, id, (await all.plan(id)).hash);
    await all.until(id, (one) => one.status === 'closed');
    const { aftercare } = await all.requests.load(all.tenant, id);
    const files = aftercare.filter(({ dataset }) => dataset === 'cases');
    expect(files.map(({ subjects }) => subjects?.includes(subjectId))).toEqual([false, true]);
    all.rules.named.add(subjectId);
    all.clock.set(new Date('2030-01-02T09:00:00Z'));
    await all.untilLater(id, (one) => erased(one).length === 4, HOUR / 2);
    expect(await ends(all, id, '2030-01-05T09:00:00Z', 12)).toBe(false);
    all.rules.named.clear();
    expect(await ends(all, id, '2030-02-05T09:00:00Z')).toBe(true);
  });

  it('stays while a hold keeps everything of somebody whose identifiers it holds, whoever it was opened for', async () => {
    const all = await opened();
    const other = { type: 'email', value: 'ada.other@example.test' };
    const first = await all.open('access', ada.value);
    await all.open('access', other.value);
    const { id } = await all.open('erasure', ada.value, { subject: { identifiers: [ada, other] } });
    await all.course.withdraw(all.by('officer'), id, { reason: 'it was not her' });
    await all.until(id, (one) => one.status === 'closed');
    const { subjectId } = await all.requests.load(all.tenant, first.id);
    all.rules.holdsOn.set(subjectId, hold);
    expect(await ends(all, id, '2030-01-01T09:00:00Z', 12)).toBe(false);
    all.rules.holdsOn.clear();
    expect(await ends(all, id, '2030-01-05T09:00:00Z')).toBe(true);
  });

  it('leaves the person’s own key while another request of hers is at work: its tasks are sealed under it', async () => {
    const all = await opened();
    const id = await approvedOf(all);
    await all.until(id, (one) => one.status === 'closed');
    const first = await all.requests.load(all.tenant, id);
    const other = newId();
    const at = { ...received(first, other).data, keyHolder: other };
    await all.store.append({
      ...{ tenant: all.tenant, actorRef: 'member:clerk' },
      events: [
        fact('RequestReceived.v1', at as never),
        fact('RequestTriaged.v1', { requestId: other, needsProof: true }),
      ],
    });
    await all.base.sealer.seal(all.tenant, first.subjectId, 'case', 'a task', 'task');
    expect(await ends(all, id, '2030-01-01T09:00:00Z', 12)).toBe(false);
    await expect(all.keyStore.find(all.tenant, first.subjectId, 'case')).resolves.toHaveProperty('key');
  });

  it('that has ended is no failure of a replay after a restore: the list of its records is gone', async () => {
    const all = await opened();
    const id = await approvedOf(all);
    await all.until(id, (one) => one.status === 'closed');
    const { requests, file, connected, clock } = all;
    const replay = new ReplayErasures(requests, file, connected, fakeCalls([shop]), clock);
    const again = async (): Promise<ReplayedStep[]> => {
      const steps: ReplayedStep[] = [];
      for await (const step of replay.again(all.tenant)) steps.push(step);
      return steps;
    };
    expect(await again()).toMatchObject([{ connectionId: 'shop', records: 2, left: 0 }]);
    expect(await ends(all, id, '2030-01-02T09:00:00Z')).toBe(true);
    const [step] = await again();
    expect(step).toMatchObject({ connectionId: 'shop', records: 2, again: 0, ended: true });
    expect(step).not.toHaveProperty('failure');
  });
});
