/** A worker that Lethe does not hear of any more stops before somebody else may have its task. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { createLetheClient } from './client.js';
import { HeldTask } from './held-task.js';
import type { ClaimedTask } from './task-types.js';

const LEASE_S = 0.3;
const task: ClaimedTask = {
  ...{ id: '0197b2a1-0000-7000-8000-000000000001', connectionId: '0197b2a1-0000-7000-8000-000000000002' },
  ...{ kind: 'obey', fence: 1, leaseUntil: '', idempotencyKey: 'k', mustFinishBy: '' },
  ...{ identifiers: [], datasets: [], rules: [], received: { parts: 0, bytes: 0, sha256: null } },
};

describe('a held task', () => {
  let held: HeldTask | undefined;
  afterEach(() => held?.stop());

  const hold = (fetch: typeof globalThis.fetch): HeldTask => {
    const client = createLetheClient({ baseUrl: 'http://127.0.0.1:1', key: 'k', fetch });
    return (held = new HeldTask(client, task, LEASE_S));
  };
  /** Milliseconds until it is lost; undefined when it is still held after three leases. */
  const lostAfter = async ({ signal }: HeldTask): Promise<number | undefined> => {
    const begin = performance.now();
    while (performance.now() - begin < LEASE_S * 3000) {
      if (signal.aborted) return performance.now() - begin;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return undefined;
  };

  it('is lost when no heartbeat came through for a whole lease, whether calls fail or hang', async () => {
    const failing = hold(() => Promise.reject(new TypeError('no answer')));
    expect(await lostAfter(failing)).toBeGreaterThanOrEqual(LEASE_S * 900);
    failing.stop();
    const hanging = hold(() => new Promise(() => undefined));
    expect(await lostAfter(hanging)).toBeGreaterThanOrEqual(LEASE_S * 900);
  });

  it('stays held while heartbeats come through (control)', async () => {
    const answer = { id: task.id, fence: 1, leaseUntil: '', received: { parts: 0, bytes: 0 } };
    const calm = hold(() => Promise.resolve(Response.json(answer)));
    expect(await lostAfter(calm)).toBeUndefined();
  });
});
