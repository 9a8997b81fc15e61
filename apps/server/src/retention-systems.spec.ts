/** What a hold asks of its own system: nobody else is asked, and one that hangs is away. */
import { describe, expect, it } from '@jest/globals';
import type { ConnectionRow, ConnectorCalls, Connections, EnabledConnection } from '#connectors';
import { newId, TestClock, type TenantId } from '#kernel';
import { ConnectedRetentionSystems } from './retention-systems.js';

const tenant = newId() as TenantId;
const clock = new TestClock(new Date('2026-11-22T09:00:00Z'));

/** One system of this kind beside another that cannot be described. */
function beside(kind: string, calls: Partial<ConnectorCalls>): ConnectedRetentionSystems {
  const row = { id: 'own', kind, status: 'enabled', config_version: 1, datasets: [{ name: 'kept' }] };
  const plugin = { plugin_id: 'sql', plugin_version: '1.0.0', content_hash: 'hash' };
  const all = async (): Promise<ConnectionRow[]> => [{ ...row, ...plugin } as unknown as ConnectionRow];
  const enabled = (): Promise<never> => Promise.reject(new Error('secrets-unreadable'));
  return new ConnectedRetentionSystems(
    { all } as unknown as Connections,
    { enabled, ...calls } as ConnectorCalls,
    clock,
  );
}

describe('one system, for a hold', () => {
  it.each(['inbox', 'remote'])('is found (%s) whatever has become of the others', async (kind) => {
    const find = async (_: TenantId, id: string): Promise<EnabledConnection> => ({ id }) as EnabledConnection;
    expect(await beside(kind, { find }).find(tenant, 'own')).toEqual({ id: 'own' });
  });

  it('is asked live for as long as whoever asks can wait, and is silent after that', async () => {
    const asked: (string | undefined)[] = [];
    const datasets: ConnectorCalls['datasets'] = async (_, __, { deadline } = {}) => {
      asked.push(deadline?.toISOString());
      throw new Error('no answer');
    };
    const systems = beside('plugin', { datasets });
    expect(await systems.find(tenant, 'own', 2_000)).toMatchObject({ status: 'silent', datasets: [{ name: 'kept' }] });
    expect(asked).toEqual(['2026-11-22T09:00:02.000Z']);
  });
});
