/** What is opened knows how far its clock is from the database's before anybody asks. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { TestClock } from '#kernel';
import { startTestServer, type TestServer } from '../../../test/support/test-server.js';
import { openParts } from './server.js';

let lethe: TestServer;
beforeAll(async () => {
  lethe = await startTestServer();
}, 60_000);
afterAll(() => lethe.close());

it.each([
  ['agrees', 0, true],
  ['is ten minutes ahead', 600_000, false],
])('a clock that %s', async (_, aheadMs, mayDate) => {
  const clock = new TestClock(new Date(Date.now() + aheadMs));
  const { parts, close } = await openParts(lethe.server.parts.config, async () => [], { clock, guardClock: true });
  try {
    expect(parts.clockGuard.mayDate).toBe(mayDate);
    expect(Math.abs(parts.clockGuard.now().getTime() - Date.now())).toBeLessThan(5_000);
  } finally {
    await close();
  }
});
