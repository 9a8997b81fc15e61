/** Plugins of a service that is down, on its database: the same commands, recorded in the ledger as the operator's. */
import { CommandBus } from '@nestjs/cqrs';
import {
  ListConnections,
  QuarantineConnection,
  RemoveConnection,
  RemovePlugin,
  RollbackConnection,
  SetConnectionStatus,
} from '#connectors';
import type { Clock } from '#kernel';
import { EventStore } from '#ledger';
import { Caller, CLOCK, KeyProvider, Refusals } from '#platform';
import { Tenants, type Tenant } from '#tenancy';
import { commandConfig, openApplication } from './open-application.js';
import type { PluginOffice } from './plugin-office.js';
import { Usage, type Terminal } from './terminal.js';

/** Pseudonym of the operator at the machine. */
const ACTOR = 'system:operator';

/** Opens the databases without a listener and without workers; no plugin code is loaded but for a check of a rollback. */
export async function offlineOffice(terminal: Terminal, wanted: string | undefined): Promise<PluginOffice> {
  const { app, parts, close } = await openApplication(commandConfig(terminal));
  try {
    const by = operatorOf(chosen(await app.get(Tenants).all(), wanted));
    const bus = app.get(CommandBus);
    const lists = app.get(ListConnections);
    const refusals = new Refusals(app.get(EventStore), app.get(KeyProvider), app.get<Clock>(CLOCK), parts.log);
    const { tenant } = by;
    return {
      plugins: async () => (await lists.plugins(tenant)).items,
      connections: async () => (await lists.connections(tenant)).items,
      switchTo: async (id, what) => {
        const status = what === 'enable' ? 'enabled' : 'disabled';
        return (await bus.execute(new SetConnectionStatus(by, id, status))).status;
      },
      rollback: async (id) => {
        const { status, version } = await bus.execute(new RollbackConnection(by, id));
        return `${status}, ${version}`;
      },
      quarantine: async (id, how, reason) => (await bus.execute(new QuarantineConnection(by, id, how, reason))).status,
      remove: async (id, reason, takeover) => {
        const body = { reason, ...(takeover ? { takeover } : {}) };
        // It takes a human for whom another has vouched, and at the machine nobody is: the attempt is a fact as over the API.
        const attempt = { route: 'removeConnection', params: { id }, approves: false };
        const { status, tasks } = await bus
          .execute(new RemoveConnection(by, id, body))
          .catch(async (error: unknown) => {
            await refusals.record(by, attempt, error);
            throw error;
          });
        return `${status}, ${tasks} manual tasks`;
      },
      removeVersion: async (id, version, reason) => {
        const { filesRemoved } = await bus.execute(new RemovePlugin(by, id, { version, reason }));
        return filesRemoved ? 'removed with its files' : 'removed; another tenant uses the files';
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function chosen(tenants: readonly Tenant[], wanted: string | undefined): Tenant {
  const found = wanted === undefined ? tenants : tenants.filter(({ id, name }) => id === wanted || name === wanted);
  const [tenant] = found;
  if (found.length === 1 && tenant) return tenant;
  throw new Usage(`name one tenant with --tenant: ${tenants.map(({ id, name }) => `${id} (${name})`).join(', ')}`);
}

function operatorOf({ id, mode }: Tenant): Caller {
  const who = { kind: 'human', id: ACTOR, actorRef: ACTOR } as const;
  return new Caller({ ...who, tenant: id, mode, roles: ['admin'], scopes: [] });
}
