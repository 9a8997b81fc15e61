/** What a key may be issued with: the scopes of the table, and no name that every object bears. */
import { describe, expect, it } from '@jest/globals';
import { systemClock, type TenantId } from '#kernel';
import type { EventStore } from '#ledger';
import { Caller } from '#platform';
import { IssueCredential, IssueCredentialHandler } from './issue-credential.js';
import type { Members } from './members.js';

const tenant = '00000000-0000-7000-8000-000000000001' as TenantId;

async function issue(scope: string): Promise<number> {
  let appends = 0;
  const store = { append: async () => void (appends += 1) } as unknown as EventStore;
  const handler = new IssueCredentialHandler(store, {} as Members, systemClock);
  const by = new Caller({
    ...{ kind: 'human', id: 'm', tenant, mode: 'test', roles: ['admin'], scopes: [], actorRef: 'member:m' },
  });
  const body = { kind: 'system' as const, label: 'shop', scopes: [scope], expiresInDays: 1 };
  await handler.execute(new IssueCredential(by, body, 'test'));
  return appends;
}

describe('a system key', () => {
  it.each(['toString', 'constructor', '__proto__', 'hasOwnProperty', 'requests:approve'])(
    'is not issued for %s',
    async (scope) => {
      await expect(issue(scope)).rejects.toMatchObject({ status: 422, code: 'scope-unknown' });
    },
  );

  it('(control) is issued for a scope of the table', async () => {
    expect(await issue('consents:check')).toBe(1);
  });
});
