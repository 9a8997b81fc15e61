/** What was erased does not come back by a sync, and the person's own new order passes. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestClock } from '#kernel';
import { openSubjects, type SubjectsFixture } from '../../../../test/support/subjects-fixture.js';
import { Suppressions } from './suppressions.js';

const clock = new TestClock(new Date('2026-03-01T10:00:00Z'));
const ada = { type: 'email', value: 'Ada@example.test' };
const erasedAt = new Date('2026-03-01T09:00:00Z');
const expiresAt = new Date('2026-06-01T00:00:00Z');
const old = new Date('2025-12-24T00:00:00Z');
const fresh = new Date('2026-03-02T00:00:00Z');

let given: SubjectsFixture;
let suppressions: Suppressions;
beforeAll(async () => {
  given = await openSubjects(clock);
  suppressions = new Suppressions(given.vault.database, given.keys, clock);
});
afterAll(() => given.close());

describe('a suppression', () => {
  it('stops old data by its scope, and lets a new order by the person pass', async () => {
    const { tenant } = given;
    const ask = (about: { purpose?: string; connection?: string; dataFrom: Date }, identifier = ada) =>
      suppressions.isSuppressed(tenant, identifier, about);
    // The control: before, nothing is suppressed.
    expect(await ask({ connection: 'crm', dataFrom: old })).toBe(false);
    await suppressions.suppress(tenant, [ada], {
      scope: { kind: 'connection', id: 'crm' },
      before: erasedAt,
      expiresAt,
    });
    expect(await ask({ connection: 'crm', dataFrom: old })).toBe(true);
    expect(await ask({ connection: 'crm', dataFrom: old }, { type: 'email', value: ' ada@EXAMPLE.test' })).toBe(true);
    expect(await ask({ connection: 'crm', dataFrom: fresh })).toBe(false);
    expect(await ask({ connection: 'shop', dataFrom: old })).toBe(false);
    expect(await ask({ purpose: 'crm', dataFrom: old })).toBe(false);
    expect(await ask({ connection: 'crm', dataFrom: old }, { type: 'email', value: 'other@example.test' })).toBe(false);
    expect(await suppressions.isSuppressed(await given.newTenant(), ada, { connection: 'crm', dataFrom: old })).toBe(
      false,
    );
    await suppressions.suppress(tenant, [ada], { scope: { kind: 'all-sources' }, before: erasedAt, expiresAt });
    expect(await ask({ connection: 'shop', dataFrom: old })).toBe(true);
    expect(await ask({ purpose: 'newsletter', dataFrom: fresh })).toBe(false);
  });

  it('is only ever extended, and ends', async () => {
    const tenant = await given.newTenant();
    const scope = { kind: 'purpose', id: 'newsletter' } as const;
    await suppressions.suppress(tenant, [ada], { scope, before: fresh, expiresAt });
    await suppressions.suppress(tenant, [ada], { scope, before: old, expiresAt: fresh });
    const about = { purpose: 'newsletter', dataFrom: erasedAt };
    expect(await suppressions.isSuppressed(tenant, ada, about)).toBe(true);
    clock.set(expiresAt);
    expect(await suppressions.isSuppressed(tenant, ada, about)).toBe(false);
    expect(await suppressions.forgetExpired(tenant)).toBe(1);
    expect(await suppressions.forgetExpired(tenant)).toBe(0);
  });

  it('names no subject, request or position, and its hash is no lookup hash', async () => {
    const tenant = await given.newTenant();
    await suppressions.suppress(tenant, [ada], {
      scope: { kind: 'all-sources' },
      before: erasedAt,
      expiresAt: new Date('2030-01-01'),
    });
    const { rows } = await given.vault.superuser.query<Record<string, unknown>>(
      'SELECT * FROM suppression WHERE tenant = $1',
      [tenant],
    );
    expect(Object.keys(rows[0]!).sort()).toEqual([
      'before',
      'created_on',
      'expires_at',
      'key_id',
      'mac',
      'normaliser',
      'row_mac',
      'scope',
      'scope_kind',
      'tenant',
    ]);
    expect(rows[0]!['key_id']).toBe(given.keys.macKeyId('suppression'));
    expect(rows[0]!['mac']).not.toEqual(given.identifiers.mac(tenant, { type: 'email', value: 'ada@example.test' }));
  });

  it('concerns who comes after it, and nobody who was known by the same address before', async () => {
    const tenant = await given.newTenant();
    const scope = { kind: 'purpose', id: 'marketing' } as const;
    const before = new Date('2026-02-01T00:00:00Z');
    clock.set(new Date('2026-03-01T10:00:00Z'));
    await suppressions.suppress(tenant, [{ type: 'email', value: ' ADA@example.test' }], { scope, before, expiresAt });
    const known = { type: 'email', value: 'ada@example.test' };
    const marksOn = (addedAt: Date, one = known) => suppressions.marksOn(tenant, [{ ...one, addedAt }]);
    expect(await marksOn(new Date(before.getTime() - 1))).toEqual([]);
    expect(await marksOn(before)).toEqual([{ scope, before, until: expiresAt }]);
    expect(await marksOn(before, { type: 'email', value: 'bob@example.test' })).toEqual([]);
    expect(await suppressions.marksOn(tenant, [])).toEqual([]);
    clock.set(expiresAt);
    expect(await marksOn(before)).toEqual([]);
  });

  it('answers many questions in order with one query', async () => {
    const questions = [ada, { type: 'email', value: 'x@example.test' }].map((identifier) => ({
      identifier,
      connection: 'crm',
      dataFrom: old,
    }));
    clock.set(new Date('2026-03-01T10:00:00Z'));
    expect(await suppressions.check(given.tenant, questions)).toEqual([true, false]);
    await expect(
      suppressions.check(given.tenant, [
        questions[0]!,
        { ...questions[1]!, identifier: { type: 'email', value: 'no' } },
      ]),
    ).rejects.toMatchObject({
      code: 'identifier-invalid',
      details: { errors: [{ pointer: '/items/1/identifier/0/value', code: 'email-invalid' }] },
    });
  });
});
