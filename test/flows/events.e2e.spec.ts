/** Events by cursor: what a system may know, once and in order; what it has acknowledged; and the state of today instead. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import type { Caller } from '#platform';
import { RestrictSubject } from '#subjects';
import { EventFeed } from '../../libs/propagation/src/event/event-feed.js';
import { usualTypes } from '../../libs/propagation/src/event/public-event.js';
import { until } from '../support/until.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';

const DAY = 86_400_000;
jest.setTimeout(60_000);

describe('events by cursor', () => {
  let lethe: TestServer;
  let crm: string;
  let blind: string;
  const email = (name: string): object => ({ identifiers: [{ type: 'email', value: `${name}@example.test` }] });

  const decide = async (name: string, purpose: string, decision: string): Promise<TestAnswer['body']> => {
    lethe.clock.advance(1000);
    const answer = await lethe.post(
      '/v1/consents',
      {
        ...{ subject: email(name), decisions: [{ purpose, decision }], notice: { id: 'signup', version: '1' } },
        ...{ method: 'form', collectedAt: lethe.clock.now().toISOString(), evidence: { canary: 'evidence-canary' } },
      },
      { as: 'system' },
    );
    expect(answer.status).toBe(201);
    return answer.body;
  };
  const read = (query = '', key = crm): Promise<TestAnswer> => lethe.get(`/v1/events${query}`, { key });
  const after = (cursor: string, more = ''): string => `?after=${encodeURIComponent(cursor)}${more}`;
  const issueKey = async (label: string): Promise<{ id: string; key: string }> => {
    const scopes = ['events:read', 'consents:check'];
    return (await lethe.post('/v1/admin/api-keys', { kind: 'system', label, scopes }, { as: 'admin' })).body;
  };
  const declare = (id: string, body: object): Promise<TestAnswer> =>
    lethe.put(`/v1/systems/${id}`, { name: id, acknowledgeWithin: 'PT15M', ...body }, { as: 'admin' });

  beforeAll(async () => {
    lethe = await startTestServer();
    for (const [id, legalBasis] of [
      ['newsletter', 'consent'],
      ['profiling', 'legitimate-interest'],
      ['research', 'consent'],
    ])
      await lethe.put(`/v1/purposes/${id}`, { name: id, legalBasis, model: 'opt-in' }, { as: 'admin' });
    const purposes = ['newsletter', 'profiling', 'research'];
    await lethe.post('/v1/notices', { id: 'signup', version: '1', language: 'en', text: 'x', purposes }, {});
    const key = await issueKey('crm');
    crm = key.key;
    blind = (await issueKey('blind')).key;
    const body = { purposes: ['newsletter', 'profiling'], channel: 'cursor', keyId: key.id };
    expect((await declare('crm', body)).status).toBe(200);
  });
  afterAll(() => lethe.close());

  it('are read by a key that was bound to a system, and by nobody else', async () => {
    expect((await read()).status).toBe(200);
    expect((await read('', blind)).body).toMatchObject({ status: 403, code: 'system-not-bound' });
    expect((await lethe.get('/v1/events', { as: 'officer' })).status).toBe(403);
    const twice = await declare('crm-two', {
      purposes: ['*'],
      channel: 'cursor',
      keyId: (await lethe.get('/v1/systems', { as: 'admin' })).body.items[0].keyId,
    });
    expect([twice.status, twice.body.code]).toEqual([409, 'key-bound-already']);
    expect((await declare('x', { purposes: ['nothing'], channel: 'webhook' })).body.code).toBe('purpose-unknown');
    expect((await declare('x', { purposes: ['*'], channel: 'webhook', acknowledgeWithin: 'P1Y' })).status).toBe(400);
  });

  it('are bound only to a key that can read them: another is refused before anybody waits for it', async () => {
    const cursor = { purposes: ['*'], channel: 'cursor' };
    const admin = { as: 'admin' } as const;
    const issue = async (label: string, scopes: string[]): Promise<string> =>
      (await lethe.post('/v1/admin/api-keys', { kind: 'system', label, scopes }, admin)).body.id;
    const revoked = await issue('revoked', ['events:read']);
    const unusable = async (keyId: string): Promise<unknown[]> => {
      const { status, body } = await declare('nobody', { ...cursor, keyId });
      return [status, body.code, body.errors?.[0]?.pointer];
    };
    for (const keyId of ['0'.repeat(16), await issue('cannot read', ['consents:check'])])
      expect(await unusable(keyId)).toEqual([422, 'key-unusable', '/keyId']);
    expect((await declare('nobody', { ...cursor, keyId: revoked })).status).toBe(200);
    expect((await lethe.post(`/v1/admin/api-keys/${revoked}/revoke`, {}, admin)).status).toBe(200);
    expect(await unusable(revoked)).toEqual([422, 'key-unusable', '/keyId']);
    // Its end is declared all the same: nobody needs a living key to retire a system.
    expect((await declare('nobody', { ...cursor, keyId: revoked, status: 'retired' })).status).toBe(200);
  });

  it('come once and in order, in their own words, with no identifier, and only about the purposes of the system', async () => {
    const start = (await read()).body.next;
    const { subjectId } = await decide('ada', 'newsletter', 'given');
    await decide('ada', 'profiling', 'withdrawn');
    await decide('ada', 'research', 'given');
    await decide('ada', 'newsletter', 'withdrawn');
    const pages: TestAnswer['body'][] = [];
    for (let cursor = start; pages.length < 10; cursor = pages.at(-1).next) {
      pages.push((await read(after(cursor, '&limit=1'))).body);
      if (pages.at(-1).caughtUp) break;
    }
    const items = pages.flatMap((page) => page.items);
    expect(items.map((item) => item.type)).toEqual(['consent.given', 'objection.raised', 'consent.withdrawn']);
    expect(new Set(items.map((item) => item.subject.id))).toEqual(new Set([subjectId]));
    expect(items.map((item) => item.data.purpose)).toEqual(['newsletter', 'profiling', 'newsletter']);
    expect(new Set(items.map((item) => item.id)).size).toBe(3);
    expect(JSON.stringify(items)).not.toMatch(/example\.test|canary/);
    expect((await read(after(pages.at(-1).next))).body).toMatchObject({ items: [], caughtUp: true });
  });

  it('filtered out move the cursor all the same', async () => {
    const start = (await read('?types=request.received')).body;
    await decide('bob', 'newsletter', 'given');
    const nothing = (await read(after(start.next))).body;
    expect([nothing.items, nothing.next === start.next]).toEqual([[], false]);
    await lethe.post(
      '/v1/requests',
      { type: 'access', regimes: ['eu-gdpr'], subject: email('bob'), channel: 'letter' },
      {},
    );
    const page = (await read(after(start.next, '&types=request.received'))).body;
    expect(page.items.map((item: { type: string }) => item.type)).toEqual(['request.received']);
    expect((await read(after(page.next))).body.items).toEqual([]);
  });

  it('are waited for', async () => {
    const { next } = (await read('?limit=500')).body;
    const waiting = read(after(next, '&wait=25'));
    await decide('carl', 'newsletter', 'given');
    expect((await waiting).body.items).toHaveLength(1);
    expect((await read(after((await waiting).body.next, '&wait=1'))).body).toMatchObject({ items: [], caughtUp: true });
  });

  it('have cursors that are worth nothing to anybody else, changed, or with another filter', async () => {
    const { next } = (await read()).body;
    const foreign = await issueKey('foreign');
    await declare('foreign', { purposes: ['*'], channel: 'cursor', keyId: foreign.id });
    for (const answer of [
      await read(after(next), foreign.key),
      await read(after(`${next.slice(0, -2)}AA`)),
      await read(after(next, '&types=consent.given')),
      await lethe.post('/v1/events/ack', { cursor: next }, { key: foreign.key }),
    ])
      expect(answer.body.code).toBe('cursor-invalid');
  });

  it('are acknowledged forward only, as a fact, and never by a filter that hides what must be obeyed', async () => {
    const ack = (cursor: string): Promise<TestAnswer> => lethe.post('/v1/events/ack', { cursor }, { key: crm });
    const early = (await read('?limit=1')).body.next;
    const late = (await read('?limit=500')).body.next;
    expect((await ack(late)).body).toMatchObject({ systemId: 'crm', moved: true });
    const { upTo } = (await ack(late)).body;
    expect((await ack(early)).body).toEqual({ systemId: 'crm', upTo, moved: false });
    const narrow = (await read('?types=request.received&limit=500')).body.next;
    expect((await ack(narrow)).body.code).toBe('filter-too-narrow');
    const { rows } = await lethe.superuser.query(
      `SELECT count(*)::int AS n FROM event WHERE type = 'EventsAcknowledged.v1'`,
    );
    expect(rows[0].n).toBe(1);
    const settled = async (): Promise<TestAnswer['body']> =>
      (await lethe.get('/v1/propagations?state=waiting')).body.items;
    await lethe.server.parts.subscriptions.caughtUp(lethe.tenant.tenant.id, 'propagation', upTo);
    expect((await settled()).filter((one: { systemId: string }) => one.systemId === 'crm')).toEqual([]);
  });

  it('about a purpose that was declared while somebody waited are told, and not passed over', async () => {
    const { items } = (await lethe.get('/v1/systems', { as: 'admin' })).body;
    const { keyId } = items.find((one: { id: string }) => one.id === 'crm');
    const bind = async (...purposes: string[]): Promise<void> =>
      expect((await declare('crm', { purposes, channel: 'cursor', keyId })).status).toBe(200);
    const { next } = (await read('?limit=500')).body;
    const waiting = read(after(next, '&wait=3'));
    await new Promise((resolve) => setTimeout(resolve, 500));
    await bind('newsletter', 'profiling', 'research');
    await decide('ada', 'research', 'withdrawn');
    const told = (await waiting).body.items.map((one: TestAnswer['body']) => one.data.purpose);
    expect(told).toEqual(['research']);
    await bind('newsletter', 'profiling');
  });

  it('too old to be read answer 410 with the snapshot, which leads back to the events', async () => {
    const { next: old } = (await read('?limit=1')).body;
    await decide('dora', 'newsletter', 'given');
    // Her restriction binds the system too, which has no decision of hers.
    const { subjectId: elsewhere } = await decide('emil', 'research', 'given');
    const by = { tenant: lethe.tenant.tenant.id, actorRef: 'test' };
    await lethe.server.app.get(CommandBus).execute(new RestrictSubject(by, elsewhere, 'accuracy-contested'));
    lethe.clock.advance(89 * DAY);
    expect((await read(after(old))).status).toBe(200);
    lethe.clock.advance(2 * DAY);
    const expired = await read(after(old));
    expect([expired.status, expired.body.code, expired.body.snapshot]).toEqual([
      ...[410, 'cursor-expired', '/v1/events/snapshot'],
    ]);
    const people = new Map<string, TestAnswer['body']>();
    let page = (await lethe.get('/v1/events/snapshot?limit=2', { key: crm })).body;
    const { after: resume } = page;
    const { subjectId } = await decide('dora', 'newsletter', 'withdrawn');
    for (;;) {
      for (const item of page.items) people.set(item.subject.id, item);
      if (page.next === null) break;
      page = (await lethe.get(`/v1/events/snapshot?limit=2&cursor=${encodeURIComponent(page.next)}`, { key: crm }))
        .body;
    }
    expect(people.size).toBe(5);
    expect(people.get(elsewhere)).toMatchObject({ restricted: true, erased: false, decisions: [] });
    const ada = [...people.values()].find((item) => item.decisions.length === 2);
    expect(ada.decisions).toEqual([
      expect.objectContaining({ purpose: 'newsletter', allowed: false, state: 'withdrawn' }),
      expect.objectContaining({ purpose: 'profiling', allowed: false, state: 'withdrawn' }),
    ]);
    const news = (await read(after(resume))).body.items;
    expect(news.map((one: { type: string; subject: { id: string } }) => [one.type, one.subject.id])).toEqual([
      ['consent.withdrawn', subjectId],
    ]);
  });

  it('tell once that a consent ran out, and not of one that was replaced', async () => {
    await lethe.put(
      '/v1/purposes/research',
      { name: 'r', legalBasis: 'consent', model: 'opt-in', validity: 'P30D' },
      { as: 'admin' },
    );
    const wide = await issueKey('wide');
    await declare('wide', { purposes: ['research'], channel: 'cursor', keyId: wide.id });
    await decide('emil', 'research', 'given');
    await decide('fay', 'research', 'given');
    await decide('fay', 'research', 'withdrawn');
    const { subjectId } = await decide('emil', 'research', 'given');
    const { next } = (await read('?limit=500', wide.key)).body;
    lethe.clock.advance(31 * DAY);
    const told = await until('expired', async () => {
      const { items } = (await read(after(next), wide.key)).body;
      return items.length > 0 && items;
    });
    expect(told).toEqual([
      expect.objectContaining({
        ...{ type: 'consent.expired', subject: { id: subjectId } },
        data: expect.objectContaining({ purpose: 'research' }),
      }),
    ]);
    lethe.clock.advance(DAY);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect((await read(after(next), wide.key)).body.items).toHaveLength(1);
  });

  describe('of a log that went on behind what was lost', () => {
    const expired = { status: 410, body: { code: 'cursor-expired', snapshot: '/v1/events/snapshot' } };
    const acknowledge = (cursor: string): Promise<TestAnswer> => lethe.post('/v1/events/ack', { cursor }, { key: crm });
    const owed = async (): Promise<number[]> =>
      (await lethe.get('/v1/propagations?state=waiting')).body.items
        .filter((one: { systemId: string }) => one.systemId === 'crm')
        .map((one: { position: number }) => one.position);

    it('are passed over by no cursor of places that are not there any more', async () => {
      const { store } = lethe.server.parts;
      const { items } = (await lethe.get('/v1/systems', { as: 'admin' })).body;
      const { keyId } = items.find(({ id }: { id: string }) => id === 'crm');
      const by = { tenant: lethe.tenant.tenant.id, principal: { kind: 'system', id: keyId } } as unknown as Caller;
      const { size, epoch } = await store.head(by.tenant);
      // As it was given before the last leaves were lost.
      const cursor = lethe.server.app.get(EventFeed).seal(by, { epoch, position: size + 20, types: usualTypes });
      const { position } = await decide('gus', 'newsletter', 'withdrawn');
      await until('it is owed', async () => (await owed()).includes(position));
      expect(await read(after(cursor))).toMatchObject(expired);
      expect(await acknowledge(cursor)).toMatchObject(expired);
      expect(await owed()).toContain(position);
    });

    it('have ids of their own, and those before it keep theirs', async () => {
      const { store } = lethe.server.parts;
      const tenant = lethe.tenant.tenant.id;
      const { items: before, next } = (await read('?limit=1')).body;
      // Where an event was lost there stands this one, before anybody found it.
      const { position: again } = await decide('hal', 'newsletter', 'given');
      const lost = { from: again, to: again + 5 };
      await store.append({
        ...{ tenant, actorRef: 'system:restore' },
        events: [{ stream: 'log', type: 'LogEpochBegun.v1', data: { epoch: 2, continuesAt: again + 1, lost } }],
        side: async (query) => {
          await query({ text: 'UPDATE log_head SET epoch = 2 WHERE tenant = $1', values: [tenant] });
        },
      });
      const { position } = await decide('hal', 'newsletter', 'withdrawn');
      expect(await read(after(next))).toMatchObject(expired);
      const { items } = (await read('?limit=500')).body;
      const { logId } = await store.head(tenant);
      expect(items[0]).toEqual(before[0]);
      const ids = [again, position].map((place) => `${logId}.2-${place}`);
      expect(items.slice(-2).map(({ id }: { id: string }) => id)).toEqual(ids);
      expect((await read(after((await lethe.get('/v1/events/snapshot', { key: crm })).body.after))).status).toBe(200);
    });
  });
});
