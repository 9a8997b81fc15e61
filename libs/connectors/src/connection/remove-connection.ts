/** Takes a connection away: refused while requests need it, unless a person takes its open work over. Events stay. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { conflict, type JsonObject, type SubjectId } from '#kernel';
import { EventStore, type Query } from '#ledger';
import { vouchedHuman, type Caller } from '#platform';
import { KeyStore } from '#subjects';
import { connectionStream } from './connection.js';
import { Connections, type ConnectionRow } from './connections.js';
import { ConnectorCalls } from './connector-calls.js';
import { OpenWork, type OpenRequest } from './open-work.js';

/**
 * With `takeover` the system stays known, without a connector: every later plan names it, and its open steps become
 * manual tasks of the owner. Without it the system is gone: nothing of it is searched any more.
 */
export const RemoveConnectionBody = z
  .strictObject({
    reason: z.string().min(1).max(500),
    takeover: z.strictObject({ owner: z.string().min(1).max(200), dueOn: z.iso.date() }).optional(),
  })
  .meta({ id: 'RemoveConnection' });
export const RemovedConnectionView = z
  .strictObject({ id: z.uuid(), status: z.enum(['removed', 'manual']), tasks: z.number().int() })
  .meta({ id: 'RemovedConnection' });
type Removed = z.infer<typeof RemovedConnectionView>;

const NAMED = 20;

export class RemoveConnection extends Command<Removed> {
  constructor(
    readonly by: Caller,
    readonly id: string,
    readonly body: z.infer<typeof RemoveConnectionBody>,
  ) {
    super();
  }
}

@CommandHandler(RemoveConnection)
export class RemoveConnectionHandler implements ICommandHandler<RemoveConnection> {
  constructor(
    private readonly store: EventStore,
    private readonly connections: Connections,
    private readonly calls: ConnectorCalls,
    private readonly work: OpenWork,
    private readonly keys: KeyStore,
  ) {}

  async execute({ by, id, body }: RemoveConnection): Promise<Removed> {
    // Without it nothing of the system is planned or erased: no step for a token that only its maker has vouched for.
    vouchedHuman(by);
    const { tenant } = by;
    const row = await this.connections.get(tenant, id);
    if (!body.takeover) mustBeFree(await this.work.known.open(tenant, id));
    if (row.status === 'enabled') await this.disable(by, id);
    if (row.plugin_id !== null) await this.calls.host.end({ tenant, id });
    // Once more: what was begun before the connection was switched off is known by now.
    if (!body.takeover) mustBeFree(await this.work.known.open(tenant, id));
    const { takeover, reason } = body;
    const tasks = takeover ? await this.work.known.handOver(by, id, { ...takeover, reason }) : 0;
    // First the key, then the fact: after a crash in between the call is repeated.
    if (row.secrets !== null) await this.keys.shred(tenant, id as SubjectId, ['case']);
    return this.remove(by, row, body, tasks);
  }

  private async disable(by: Caller, id: string): Promise<void> {
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [{ stream: connectionStream(id), type: 'ConnectionDisabled.v1', data: { id, before: 'enabled' } }],
      side: async (query) => {
        const text = `UPDATE connection SET status = 'disabled' WHERE tenant = $1 AND id = $2`;
        await query({ text, values: [by.tenant, id] });
      },
    });
  }

  private async remove(
    by: Caller,
    row: ConnectionRow,
    { reason, takeover }: z.infer<typeof RemoveConnectionBody>,
    tasks: number,
  ): Promise<Removed> {
    const answer: Removed = { id: row.id, status: takeover ? 'manual' : 'removed', tasks };
    const plugin: JsonObject = { id: row.plugin_id, version: row.plugin_version, contentHash: row.content_hash };
    const words = await this.connections.words(by.tenant, { reason, owner: takeover?.owner ?? null });
    const dueOn = takeover?.dueOn ?? null;
    const data = { id: row.id, name: row.name, plugin, before: row.status, takenOver: takeover !== undefined, dueOn };
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [{ stream: connectionStream(row.id), type: 'ConnectionRemoved.v1', data: { ...data, words, tasks } }],
      ...(by.idempotency ? { idempotency: by.idempotency, respond: () => ({ status: 200, body: answer }) } : {}),
      side: async (query) => {
        await forget(query, by, row.id);
        const at = [by.tenant, row.id];
        if (takeover)
          await query({
            text: `UPDATE connection SET status = 'manual', kind = 'plugin', plugin_id = NULL, plugin_version = NULL, content_hash = NULL,
                     config = NULL, config_version = 0, secrets = NULL, datasets = '[]', checked_at = NULL, owner = $3, why = $4
                   WHERE tenant = $1 AND id = $2`,
            values: [...at, takeover.owner, reason],
          });
        else await query({ text: 'DELETE FROM connection WHERE tenant = $1 AND id = $2', values: at });
      },
    });
    by.idempotency = undefined;
    return answer;
  }
}

/** Everything beside the row. */
async function forget(query: Query, by: Caller, id: string): Promise<void> {
  for (const table of ['connection_version', 'plugin_failure', 'plugin_quarantine'])
    await query({ text: `DELETE FROM ${table} WHERE tenant = $1 AND connection = $2`, values: [by.tenant, id] });
}

function mustBeFree(open: readonly OpenRequest[]): void {
  if (open.length === 0) return;
  throw conflict('connection-in-use', {
    detail:
      'Open requests need this connection. Wait until they are closed, or name a takeover: owner and day of the manual tasks.',
    extra: { open: open.length, requestIds: open.slice(0, NAMED).map((one) => one.requestId) },
  });
}
