/** An access is logged with a verdict, found by an auditor, never recorded twice; reads through Lethe are accesses too. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import type { SubjectId } from '#kernel';
import { EraseIdentity } from '#subjects';
import { startTestServer, type TestServer } from '../support/test-server.js';

describe('an access', () => {
  let lethe: TestServer;
  const entry = (id: string, more: object = {}): object => ({
    id,
    actor: { type: 'employee', id: 'agent-7' },
    subject: { identifiers: [{ type: 'email', value: 'ada@example.test' }] },
    action: 'read',
    resource: 'crm/contact',
    fields: ['email'],
    purpose: 'newsletter',
    at: lethe.clock.now().toISOString(),
    ...more,
  });

  beforeAll(async () => {
    lethe = await startTestServer();
    await lethe.put(
      '/v1/purposes/newsletter',
      { name: 'News', legalBasis: 'consent', model: 'opt-in' },
      { as: 'admin' },
    );
    await lethe.put(
      '/v1/purposes/parcels',
      { name: 'Parcels', legalBasis: 'contract', model: 'opt-in' },
      { as: 'admin' },
    );
  });
  afterAll(() => lethe.close());

  it('gets a verdict from what was recorded for its time and purpose', async () => {
    const entries = [
      entry('1', { sequence: 1 }),
      entry('2', { purpose: 'parcels', sequence: 2 }),
      entry('3', { purpose: 'curiosity', sequence: 5 }),
    ];
    const { status, body } = await lethe.post('/v1/access-log/entries', { entries }, { as: 'system' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ accepted: 3, duplicates: 0, rejected: [] });
    const found = await lethe.post(
      '/v1/access-log/search',
      { subject: { identifiers: [{ type: 'email', value: 'ada@example.test' }] } },
      { as: 'auditor' },
    );
    const items = found.body.items.sort((a: { id: string }, b: { id: string }) => a.id.localeCompare(b.id));
    expect(items.map((item: { verdict: string }) => item.verdict)).toEqual([
      'no-match',
      'matches-declared-basis',
      'undeclared-purpose',
    ]);
    expect(items[0].particulars).toEqual({
      actor: { type: 'employee', id: 'agent-7' },
      resource: 'crm/contact',
      fields: ['email'],
    });
  });

  it('reported again under its own id is not recorded again, and a bad neighbour falls alone', async () => {
    const entries = [
      entry('1'),
      entry('4', { subject: { identifiers: [{ type: 'email', value: 'not a mailbox' }] } }),
      entry('5', { at: '2999-01-01T00:00:00Z' }),
      entry('6'),
    ];
    const { body } = await lethe.post('/v1/access-log/entries', { entries }, { as: 'system' });
    expect(body).toMatchObject({ accepted: 2, duplicates: 1 });
    expect(body.rejected).toEqual([
      { id: '4', code: 'identifier-invalid', pointer: '/entries/1/subject/identifiers/0/value' },
      { id: '5', code: 'at-in-future', pointer: '/entries/2/at' },
    ]);
  });

  it.each([
    ['purpose', 'asked by ada@example.test'],
    ['purpose', 'ada@example.test'],
    ['purpose', `lovelace-${'a'.repeat(100)}`],
    ['purpose', ''],
    ['action', 'read\nall'],
    ['action', 'Ada Lovelace'],
  ])('with words for its %s falls alone: that stands open in the log for ever', async (field, words) => {
    const id = `with ${field} ${words.length}`.replaceAll(' ', '-');
    const entries = [entry(`beside-${id}`), entry(id, { [field]: words })];
    const { status, body } = await lethe.post('/v1/access-log/entries', { entries }, { as: 'system' });
    expect([status, body.accepted]).toEqual([201, 1]);
    expect(body.rejected).toEqual([{ id, code: 'invalid-format', pointer: `/entries/1/${field}` }]);
    expect(JSON.stringify(body)).not.toMatch(/ada[@ ]|lovelace/i);
  });

  it.each([
    ['id', 'mail of ada@example.test'],
    ['id', 'ada\u200blovelace'],
  ])('with words for its %s is refused with its batch: it could not be named', async (field, words) => {
    const entries = [entry('7'), entry('8', { [field]: words })];
    const { status, body } = await lethe.post('/v1/access-log/entries', { entries }, { as: 'system' });
    expect([status, body.code]).toEqual([400, 'body-invalid']);
    expect(body.errors).toMatchObject([{ pointer: `/entries/1/${field}`, code: 'invalid-format' }]);
    // Not the name alone: its letters are digits of an id.
    expect(JSON.stringify(body)).not.toMatch(/ada[@ \u200b]|lovelace/i);
  });

  it('may name its purpose by a term of a vocabulary', async () => {
    const entries = [
      entry('3f0c/2026-11-22#17', { action: 'crm:export', purpose: 'https://w3id.org/dpv#Marketing' }),
      entry('eyJ+/w==', { action: 'dpv:Consult', purpose: '2.marketing_e-mail' }),
      entry('fhir', { action: '$everything', purpose: 'http://terminology.hl7.org/CodeSystem/v3-ActReason|TREAT' }),
    ];
    const { body } = await lethe.post('/v1/access-log/entries', { entries }, { as: 'system' });
    expect(body).toMatchObject({ accepted: 3, rejected: [] });
  });

  it('that an older build took with words is still found by them', async () => {
    const words = { purpose: 'asked on the phone', action: 'looked it up' };
    await lethe.post('/v1/access-log/entries', { entries: [entry('old')] }, { as: 'system' });
    await lethe.superuser.query("UPDATE access_entry SET purpose = $1, action = $2 WHERE entry_id = 'old'", [
      ...[words.purpose, words.action],
    ]);
    const { body } = await lethe.post('/v1/access-log/search', { purpose: words.purpose }, { as: 'auditor' });
    expect(body.items).toEqual([expect.objectContaining({ id: 'old', ...words })]);
  });

  it('reported again after the person was erased does not bring her back', async () => {
    const eve = { identifiers: [{ type: 'email', value: 'eve@example.test' }] };
    const report = async (...ids: string[]): Promise<object> => {
      const entries = ids.map((id) => entry(id, { subject: eve }));
      return (await lethe.post('/v1/access-log/entries', { entries }, { as: 'system' })).body;
    };
    const known = async (): Promise<{ subjectId: SubjectId }[]> =>
      (await lethe.post('/v1/subjects/lookup', eve)).body.items;
    expect(await report('eve-1')).toMatchObject({ accepted: 1, duplicates: 0 });
    const by = { tenant: lethe.tenant.tenant.id, actorRef: 'test' };
    await lethe.server.app.get(CommandBus).execute(new EraseIdentity(by, (await known())[0]!.subjectId));
    expect(await report('eve-1')).toMatchObject({ accepted: 1, duplicates: 1, firstPosition: null });
    expect(await known()).toEqual([]);
    // The control: an access that was not reported before is recorded, whomever it concerns.
    expect(await report('eve-1', 'eve-2')).toMatchObject({ accepted: 2, duplicates: 1 });
    expect(await known()).toHaveLength(1);
  });

  it('that never arrived shows as a gap of its source, and a day without reports as silence', async () => {
    const { store, subscriptions } = lethe.server.parts;
    const tenant = lethe.tenant.tenant.id;
    await subscriptions.caughtUp(tenant, 'access-sources', (await store.head(tenant)).size - 1);
    const { body } = await lethe.get('/v1/access-log/sources', { as: 'auditor' });
    expect(body.items).toEqual([expect.objectContaining({ lastSequence: 5, missing: 2, silent: false })]);
    lethe.clock.advance(25 * 3_600_000);
    const later = await lethe.get('/v1/access-log/sources', { as: 'auditor' });
    expect(later.body.items[0].silent).toBe(true);
  });

  it('through Lethe itself is recorded before the answer leaves', async () => {
    const { body: found } = await lethe.post('/v1/access-log/search', { purpose: 'parcels' }, { as: 'auditor' });
    const subjectId = found.items[0].subjectId;
    await lethe.get(`/v1/subjects/${subjectId}/consents`, { as: 'officer' });
    const own = await lethe.post('/v1/access-log/search', { subjectId, source: 'lethe' }, { as: 'auditor' });
    expect(own.body.items.map((item: { purpose: string }) => item.purpose)).toContain('consent.read');
  });

  it('is on exactly one page, whatever the size of pages, and a cursor is worth nothing to others', async () => {
    const all = await lethe.post('/v1/access-log/search', {}, { as: 'auditor' });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await lethe.post('/v1/access-log/search', { limit: 2, cursor }, { as: 'auditor' });
      seen.push(...page.body.items.map((item: { id: string; subjectId: string }) => `${item.id} ${item.subjectId}`));
      cursor = page.body.next ?? undefined;
      const stolen = await lethe.post(
        '/v1/access-log/search',
        { limit: 2, cursor: cursor ?? 'x.y' },
        { as: 'officer' },
      );
      expect([stolen.status, stolen.body.code]).toEqual([400, 'cursor-invalid']);
    } while (cursor);
    const before = all.body.items.map((item: { id: string; subjectId: string }) => `${item.id} ${item.subjectId}`);
    expect(seen.slice(0, before.length)).toEqual(before);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('never stands plain in the ledger', async () => {
    const { rows } = await lethe.superuser.query(
      "SELECT count(*)::int AS hits FROM event WHERE bytes ~* 'example\\.test|agent-7|crm/contact'",
    );
    expect(rows[0].hits).toBe(0);
  });
});
