/** Results that share a commit: a deadlock is nobody's fault, anything else is told to everybody who waits. */
import { describe, expect, it } from '@jest/globals';
import type { TenantId } from '#kernel';
import type { Database } from '#ledger';
import { Settlements } from './settlements.js';

const tenant = '00000000-0000-7000-8000-000000000001' as TenantId;
const change = (id: string): Parameters<Settlements['settle']>[1] => ({ id, fence: 1, from: 'running', to: 'done' });

/** A database whose first transactions fail; those after them keep everything. */
function failing(times: number, code: string): { database: Database; tries: () => number } {
  let tries = 0;
  const transaction = (_: TenantId, work: (query: unknown) => Promise<unknown>): Promise<unknown> => {
    tries += 1;
    if (tries <= times) return Promise.reject(Object.assign(new Error('planted'), { code, severity: 'ERROR' }));
    return work(({ values }: { values: [TenantId, string[]] }) =>
      Promise.resolve({ rows: values[1].map((id) => ({ id })) }),
    );
  };
  return { database: { transaction } as unknown as Database, tries: () => tries };
}

describe('results that share a commit', () => {
  it.each(['40P01', '40001'])('are written again after %s', async (code) => {
    const { database, tries } = failing(2, code);
    const settlements = new Settlements(database);
    await Promise.all(['a', 'b'].map((id) => settlements.settle(tenant, change(id))));
    expect(tries()).toBe(3);
  });

  it('are given up after some repeats', async () => {
    const { database, tries } = failing(99, '40P01');
    await expect(new Settlements(database).settle(tenant, change('a'))).rejects.toThrow('planted');
    expect(tries()).toBe(4);
  });

  it('fail together with what may have been kept', async () => {
    const { database, tries } = failing(1, '08006');
    await expect(new Settlements(database).settle(tenant, change('a'))).rejects.toThrow('planted');
    expect(tries()).toBe(1);
  });
});
