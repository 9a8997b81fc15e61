/** Failures that one process could count and not record are forgotten by the same command as a recorded quarantine. */
import { expect, it } from '@jest/globals';
import { conflict } from '#kernel';
import type { Caller } from '#platform';
import type { Connections } from './connections.js';
import type { ConnectorCalls } from './connector-calls.js';
import { QuarantineConnection, QuarantineConnectionHandler } from './quarantine-connection.js';
import type { Quarantines } from './quarantines.js';

it('a budget spent in memory alone is given anew though nothing is recorded to clear', async () => {
  const forgotten: string[] = [];
  const row = { id: 'c1', status: 'enabled', plugin_id: 'shop', plugin_version: '1.0.0', removed_at: null };
  const connections = { get: async () => row, words: async () => ({}), plugin: async () => ({ id: 'shop' }) };
  const quarantines = { clear: () => Promise.reject(conflict('not-quarantined', { detail: 'Nothing to clear.' })) };
  const calls = { host: { clearQuarantine: ({ id }: { id: string }) => forgotten.push(id) } };
  const handler = new QuarantineConnectionHandler(
    connections as unknown as Connections,
    quarantines as unknown as Quarantines,
    calls as unknown as ConnectorCalls,
  );
  const command = new QuarantineConnection({ tenant: 't' } as unknown as Caller, 'c1', 'clear', 'Looked at.');
  await expect(handler.execute(command)).rejects.toMatchObject({ code: 'not-quarantined' });
  expect(forgotten).toEqual(['c1']);
});
