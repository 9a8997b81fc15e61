/** Pending work asked about in real plugin processes: one that can be asked, one that cannot, and one that is broken. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { inspectPlugin, installPlugin, PluginHost, type RunningConnection } from '#connectors';
import { newId, systemClock, type TenantId } from '#kernel';
import { PluginWorkshop } from '../../../../test/support/plugin-fixtures.js';
import type { SystemCalls } from './connected-systems.js';
import type { KeptTarget } from './kept-target.js';
import { pendingOf, pollPending } from './pending-work.js';
import type { TargetOutcome } from './step-outcomes.js';

const kept = (ref: string): KeptTarget => ({ itemKey: 'plan', dataset: 'people', ref, count: 1, action: 'erase' });
const open = new Map([kept('a'), kept('b'), kept('c')].map((target, index) => [index, target]));
const pending = [{ handle: { job: 7 }, targets: [0, 2] }];

describe('pending work', () => {
  let workshop: PluginWorkshop;
  let host: PluginHost;
  beforeAll(() => {
    workshop = new PluginWorkshop({ inspectPlugin, installPlugin });
    host = new PluginHost({ clock: systemClock, runner: workshop.runner, times: { grace: 300 } });
  });
  afterAll(async () => {
    await host.close(500);
    workshop.clean();
  });

  async function poll(connection: RunningConnection): Promise<{ rest: number[]; outcomes: TargetOutcome[] }> {
    const outcomes: TargetOutcome[] = [];
    const calls = { poll: (_: unknown, __: unknown, ...args: [never, never]) => host.poll(connection, ...args) };
    const at = { tenant: newId() as TenantId, connectionId: 'vendor', itemKey: 'i1', options: {} };
    const rest = await pollPending(calls as unknown as SystemCalls, at, pending, open, outcomes);
    return { rest: [...rest.keys()], outcomes };
  }

  it('is asked by its handle, and what was never begun is left to be applied', async () => {
    const connection = await workshop.connection(`{ async *poll(x, handle) {
      for (const ref of ['a', 'c'])
        yield { itemKey: 'i1', dataset: 'people', ref, count: 1, kind: handle.job === 7 ? 'erased' : 'failed' };
    } }`);
    const { rest, outcomes } = await poll(connection);
    expect(outcomes.map(({ target, kind }) => [target, kind])).toEqual([
      [0, 'erased'],
      [2, 'erased'],
    ]);
    expect(rest).toEqual([1]);
  });

  it('is left to be applied again when the plugin has no such operation', async () => {
    expect(await poll(await workshop.connection('{}'))).toEqual({ rest: [0, 1, 2], outcomes: [] });
  });

  it('fails with what the plugin failed with, and is not begun again', async () => {
    const foreign = `{ async *poll() { yield { itemKey: 'i1', dataset: 'people', ref: 'b', count: 1, kind: 'erased' } } }`;
    await expect(poll(await workshop.connection(foreign))).rejects.toMatchObject({ fail: { code: 'foreign-record' } });
  });

  it('is one question for each handle, however its members are ordered', () => {
    const at = { dataset: 'people', count: 1, kind: 'pending' as const };
    expect(
      pendingOf([
        { ...at, target: 0, handle: { job: 7, of: 'x' } },
        { ...at, target: 1 },
        { ...at, target: 2, handle: { of: 'x', job: 7 } },
      ]),
    ).toEqual([{ handle: { job: 7, of: 'x' }, targets: [0, 2] }]);
  });
});
