/** A start whose database goes away before it is known whether the installation may serve. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { TestClock, type TenantId } from '#kernel';
import { ServiceState } from '#platform';
import { StateWatch } from './state-watch.js';

/** Answers `rows`, after having been away for so many questions. */
function watchOver(away: number, rows: object[] = []): { watch: StateWatch; state: ServiceState; asked: () => number } {
  let asked = 0;
  const state = new ServiceState(new TestClock(new Date()));
  const global = async (): Promise<{ rows: object[] }> => {
    asked += 1;
    if (asked <= away) throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:5432'), { code: 'ECONNREFUSED' });
    return { rows };
  };
  const parts = { state, database: { global }, store: {}, signer: {}, log: { warn: () => undefined } };
  const watch = new StateWatch(parts as never, { logs: async () => [] } as never, async () => []);
  return { watch, state, asked: () => asked };
}

describe('the first look of a process', () => {
  it('waits for a database that is away for a moment, and then knows', async () => {
    const { watch, state } = watchOver(2, [{}]);
    await watch.look();
    expect(state.refusals.map(({ code }) => code)).toEqual(['quarantined']);
  });

  it('ends with what to do when the database stays away, without its address', async () => {
    const { watch, asked } = watchOver(Number.MAX_SAFE_INTEGER);
    await expect(watch.look(300)).rejects.toThrow(/^the database does not answer, .* Start again when it is there\.$/);
    expect(asked()).toBeGreaterThan(1);
  });

  it('hides no other trouble', async () => {
    const { watch } = watchOver(0);
    const broken = Object.assign(new Error('permission denied'), { code: '42501' });
    Object.assign(watch, { tenants: () => Promise.reject(broken) });
    await expect(watch.look()).rejects.toBe(broken);
  });
});

describe('a log that cannot be read', () => {
  const look = async (code: string): Promise<{ refused: string[]; error: unknown }> => {
    const state = new ServiceState(new TestClock(new Date()));
    const head = async (): Promise<never> => {
      throw Object.assign(new Error('refused'), { code });
    };
    const parts = {
      ...{ state, signer: {}, store: { head }, database: { global: async () => ({ rows: [] }) } },
      log: { error: () => undefined },
    };
    const lock = { logs: async () => [], read: async () => undefined };
    const watch = new StateWatch(parts as never, lock as never, async () => ['a' as TenantId]);
    const error = await watch.look(0).then(
      () => undefined,
      (error: unknown) => error,
    );
    return { refused: state.refusals.map(({ code }) => code), error };
  };

  it.each(['53300', '53200', '57014', '40001', '40P01', '55P03', '25006', '58030', 'EMFILE', 'EIO', 'ESTALE'])(
    'since nobody could be asked (%s) is not said to be behind',
    async (code) => {
      expect(await look(code)).toEqual({ refused: [], error: expect.objectContaining({ code }) });
    },
  );

  it.each(['XX001', '58P01', '42P01', 'ERR_OUT_OF_RANGE'])(
    'since it is damaged (%s) stops the service',
    async (code) => {
      expect(await look(code)).toEqual({ refused: ['rollback-detected'], error: undefined });
    },
  );
});

describe('a log that was signed', () => {
  const tenant = '01900000-0000-7000-8000-000000000001' as TenantId;
  const logId = '01900000-0000-7000-8000-000000000002';
  let tenants: TenantId[];
  let signed: string[];
  let said: object[];
  const codes = async (): Promise<string[]> => {
    const state = new ServiceState(new TestClock(new Date()));
    const parts = {
      ...{ state, signer: {}, database: { global: async () => ({ rows: [] }) } },
      store: { head: async () => ({ logId, size: 0 }) },
      log: { error: (fields: object) => said.push(fields) },
    };
    const lock = { logs: async () => signed, read: async () => undefined };
    const watch = new StateWatch(parts as never, lock as never, async () => tenants);
    await watch.look();
    await watch.look();
    return state.refusals.map(({ code }) => code);
  };
  beforeEach(() => {
    [tenants, signed, said] = [[tenant], [logId], []];
  });

  it('and is there stops nothing', async () => {
    expect([await codes(), said]).toEqual([[], []]);
  });

  it('and is nowhere stops the service, and is named once', async () => {
    tenants = [];
    expect([await codes(), said]).toEqual([['rollback-detected'], [{ logs: [logId] }]]);
  });

  it('is not missed before its tenant has one', async () => {
    signed = [];
    expect(await codes()).toEqual([]);
  });
});
