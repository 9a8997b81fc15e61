/** What enabling an endpoint begins anew, and what it leaves alone. */
import { expect, it } from '@jest/globals';
import type { TenantId } from '#kernel';
import { EndpointHealth } from './endpoint-health.js';

it.each([
  ['that was disabled begins its messages anew', 'disabled', ['webhook-lanes-open', 'webhook-deliveries-anew']],
  ['that is enabled starts only what lies idle', 'enabled', ['webhook-lanes-idle']],
])('an endpoint %s', async (_, status, asked) => {
  const names: (string | undefined)[] = [];
  const query = async ({ name }: { name?: string }): Promise<object> => {
    names.push(name);
    return { rows: [], rowCount: 0 };
  };
  const database = { transaction: (_tenant: string, run: (ask: typeof query) => unknown) => run(query) };
  const health = new EndpointHealth({ database, append: async () => ({}) } as never, {} as never);
  await health.enable('tenant' as TenantId, { id: 'endpoint', status } as never, 'actor', new Date());
  expect(names.filter((name) => asked.includes(name ?? ''))).toEqual(asked);
  expect(names.includes('webhook-deliveries-anew')).toBe(status === 'disabled');
});
