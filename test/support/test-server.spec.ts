/** A server that cannot be started for a test leaves nothing behind: an open port or pool would keep jest from ending. */
import { expect, it } from '@jest/globals';
import { startTestServer } from './test-server.js';

/** Ports and connections that are open in this process. */
const open = (): number => process.getActiveResourcesInfo().filter((one) => /^TCP/.test(one)).length;

it.each([
  ['before it serves', { environment: { LETHE_LOG_LEVEL: 'none-such' } }],
  ['when it serves already', { territory: 'no\0where' }],
])('leaves nothing open when it fails %s', async (_, options) => {
  const before = open();
  await expect(startTestServer(options)).rejects.toThrow();
  expect(open()).toBeLessThanOrEqual(before);
});
