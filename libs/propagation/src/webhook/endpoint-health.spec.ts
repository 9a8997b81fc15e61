/** What enabling an endpoint leaves to a job, and what it leaves alone. */
import { expect, it } from '@jest/globals';
import type { Append } from '#ledger';
import type { TenantId } from '#kernel';
import { EndpointHealth } from './endpoint-health.js';

it.each([
  [
    'that was disabled is a fact, with the job that begins its messages anew',
    'disabled',
    [['WebhookEndpointChanged.v1', 2]],
  ],
  ['that is enabled already is left alone', 'enabled', []],
])('an endpoint %s', async (_, status, facts) => {
  const appends: Append[] = [];
  const store = { append: async (input: Append) => void appends.push(input) };
  const health = new EndpointHealth(store as never, {} as never);
  await health.enable('tenant' as TenantId, { id: 'endpoint', status } as never, 'actor');
  expect(appends.map(({ events, rows }) => [events[0]?.type, rows?.length])).toEqual(facts);
});
