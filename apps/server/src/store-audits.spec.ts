/** The look at a start: not while the installation is in quarantine, where all that was erased since the backup is back by design. */
import { describe, expect, it } from '@jest/globals';
import { systemClock } from '#kernel';
import { readConfig, ServiceState } from '#platform';
import { StoreAudits } from './store-audits.js';

async function looks(prepare: (state: ServiceState) => void = () => undefined): Promise<number> {
  let count = 0;
  const audit = { faults: [], look: async () => void (count += 1) };
  const state = new ServiceState(systemClock);
  prepare(state);
  const config = readConfig({ LETHE_LOG_LEVEL: 'error' });
  await new StoreAudits(audit as never, state, undefined as never, undefined as never, config).start();
  return count;
}

describe('the audit at a start', () => {
  it('is made, also of a log that is behind', async () => {
    expect(await looks()).toBe(1);
    expect(await looks((state) => state.refuse('rollback-detected', ''))).toBe(1);
  });

  it('waits for the replay of what was erased', async () => {
    expect(await looks((state) => state.refuse('quarantined', ''))).toBe(0);
  });
});
