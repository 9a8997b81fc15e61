/** Suppressions whose seals were taken away, exchanged or outlived: nothing but an operator's word makes what is left sound. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { consentMigrations } from '#consent';
import { TestClock, type TenantId } from '#kernel';
import type { AuditParts } from '#ledger';
import { ReplayKeys } from '#requests';
import { Suppressions } from '#subjects';
import { tenancyMigrations } from '#tenancy';
import { openSubjects, type SubjectsFixture } from '../../../test/support/subjects-fixture.js';
import { StoreAudit } from './store-audit.js';

const DAY = 86_400_000;
const clock = new TestClock(new Date('2026-03-01T10:00:00Z'));

let given: SubjectsFixture;
let suppressions: Suppressions;
let audit: StoreAudit;
let tenant: TenantId;
beforeAll(async () => {
  given = await openSubjects(clock, [...tenancyMigrations, ...consentMigrations]);
  suppressions = new Suppressions(given.vault.database, given.keys, clock);
});
afterAll(() => given.close());
beforeEach(async () => {
  tenant = await given.newTenant();
  const tenants = { all: async () => [{ id: tenant }] };
  const replay = new ReplayKeys(undefined as never, given.keyStore, undefined as never, given.ledger.database);
  audit = new StoreAudit(tenants as never, given.keys, given.keyStore, replay, { error: () => undefined } as never);
});

const suppress = (...names: string[]): Promise<void> =>
  suppressions.suppress(
    tenant,
    names.map((name) => ({ type: 'email', value: `${name}@example.test` })),
    {
      scope: { kind: 'all-sources' },
      before: clock.now(),
      expiresAt: new Date(clock.now().getTime() + DAY),
    },
  );
const tamper = (statement: string): Promise<unknown> => given.vault.superuser.query(statement, [tenant]);
const FIRST = '(SELECT min(mac) FROM suppression WHERE tenant = $1)';
/** What a whole audit names. */
async function found(): Promise<string[]> {
  const reader = { identity: async () => ({ logId: tenant }) };
  const parts = { database: given.ledger.database, reader, lock: { read: async () => undefined } };
  return (await audit.audit(parts as unknown as AuditParts, true)).map(({ where, what }) => `${where} ${what}`);
}
/** The ledger's own word that somebody was suppressed. */
const record = (count: number): Promise<unknown> =>
  given.store.append({
    ...{ tenant, actorRef: 'system:requests' },
    events: [{ stream: 'request/1', type: 'SuppressionRecorded.v1', data: { requestId: '1', count, until: null } }],
  });

const OTHERS = 'suppressions are not those that were sealed: one was removed or added';
const GONE = 'suppressions have no seal, though the ledger says that some were recorded';

describe('the audit of suppressions', () => {
  it('finds nothing where there are none, or where each came and went by the service', async () => {
    expect(await found()).toEqual([]);
    await suppressions.forgetExpired(tenant);
    await record(0);
    expect(await found()).toEqual([]);
    await suppress('ada', 'bob');
    await record(2);
    expect(await found()).toEqual([]);
    clock.set(new Date(clock.now().getTime() + DAY));
    await suppress('cyd');
    await suppressions.forgetExpired(tenant);
    expect(await found()).toEqual([]);
  });

  it.each([
    ['a row and the seal', `DELETE FROM suppression WHERE tenant = $1 AND mac = ${FIRST}`, OTHERS],
    ['the seal of each', 'UPDATE suppression SET row_mac = NULL WHERE tenant = $1', 'was written by somebody else'],
  ])('names it when somebody took away %s with that of all', async (_, statement, named) => {
    await suppress('ada', 'bob', 'cyd');
    await tamper(statement);
    await tamper('DELETE FROM suppression_seal WHERE tenant = $1');
    expect(await found()).toContainEqual(expect.stringContaining(named));
    await suppressions.forgetExpired(tenant);
    await suppress('dan');
    expect(await found()).toContainEqual(expect.stringContaining(named));
    await audit.acceptSuppressions(tenant);
    expect(await found()).toEqual([]);
  });

  it('names it when all are gone with their seal, by what the ledger says', async () => {
    await suppress('ada');
    await record(1);
    await tamper('DELETE FROM suppression WHERE tenant = $1');
    await tamper('DELETE FROM suppression_seal WHERE tenant = $1');
    await suppressions.forgetExpired(tenant);
    expect(await found()).toEqual([GONE]);
    await audit.acceptSuppressions(tenant);
    expect(await found()).toEqual([]);
  });

  it('still misses a row that was made to expire, once the service has forgotten it', async () => {
    await suppress('ada', 'bob');
    await tamper(`UPDATE suppression SET expires_at = '2026-01-01' WHERE tenant = $1 AND mac = ${FIRST}`);
    expect(await suppressions.forgetExpired(tenant)).toBe(1);
    expect(await found()).toEqual([OTHERS]);
  });

  it('still finds a seal that was written to fit, once the service has changed something', async () => {
    await suppress('ada', 'bob');
    await tamper(
      'UPDATE suppression_seal SET rows = 1, sum = (SELECT max(row_mac) FROM suppression WHERE tenant = $1)',
    );
    await tamper(
      'DELETE FROM suppression s WHERE tenant = $1 AND row_mac <> (SELECT sum FROM suppression_seal g WHERE g.tenant = $1)',
    );
    expect(await found()).toEqual([OTHERS]);
    await suppressions.forgetExpired(tenant);
    await suppress('cyd');
    expect(await found()).toEqual([OTHERS]);
  });
});
