/** Who holds a credential: what stands between an answer and the hot path must not be the time of last use. */
import { describe, expect, it } from '@jest/globals';
import { systemClock, type TenantId } from '#kernel';
import type { Database } from '#ledger';
import type { KeyProvider } from '#platform';
import { newCredential } from './credential.js';
import type { MemberMarks } from './member-marks.js';
import { Principals, type ForeignTokens } from './principals.js';

const tenant = '00000000-0000-7000-8000-000000000001' as TenantId;

/** One system key in a database that answers reads; `writes` decides about the rest. */
function known(writes: () => Promise<void> = async () => undefined): {
  principals: Principals;
  key: string;
  row: { revoked_at: Date | null };
} {
  const made = newCredential('test', tenant);
  const row = {
    ...{ kind: 'system', member: null, secret_hash: made.hash, scopes: [], expires_at: null, revoked_at: null },
    ...{ roles: null, removed_at: null, mode: 'test', vouched: false },
  };
  const database = { fetch: async () => ({ rows: [row] }), transaction: writes } as unknown as Database;
  const keys = { mac: () => Buffer.alloc(32) } as unknown as KeyProvider;
  const foreign: ForeignTokens = { authenticate: async () => undefined };
  const principals = new Principals(database, keys, foreign, {} as MemberMarks, systemClock);
  return { principals, key: made.text, row };
}

describe('a key', () => {
  it('lets its holder in while nothing can be written: a full disk stops no check of consent', async () => {
    const { principals, key } = known(() => Promise.reject(Object.assign(new Error('full'), { code: '53100' })));
    expect(await principals.authenticate(key)).toMatchObject({ kind: 'system' });
  });

  it('does not make its holder wait for the note that it was used', async () => {
    const { principals, key } = known(() => new Promise(() => undefined));
    expect(await principals.authenticate(key)).toMatchObject({ kind: 'system' });
  });

  it('that was let in before is met again after its trust has ended, and no more once it was refused', async () => {
    const { principals, key, row } = known();
    expect(principals.met(key)).toBe(false);
    await principals.authenticate(key);
    principals.forget();
    expect([principals.known(key), principals.met(key)]).toEqual([undefined, true]);
    row.revoked_at = new Date();
    expect(await principals.authenticate(key)).toBeUndefined();
    expect(principals.met(key)).toBe(false);
  });
});
