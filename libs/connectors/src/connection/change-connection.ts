/** Check, enable and disable a connection; all without a restart. */
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { conflict, type Clock } from '#kernel';
import { EventStore } from '#ledger';
import { CLOCK, type Caller } from '#platform';
import { connectionChanged, connectionStream } from './connection.js';
import { Connections, type ConnectionRow } from './connections.js';
import { ConnectorCalls } from './connector-calls.js';
import { PluginFailure } from '../plugin.errors.js';

export const CheckedView = z
  .strictObject({
    id: z.uuid(),
    ok: z.boolean(),
    account: z.string().nullable(),
    /** Rights that are missing and the like; free of personal data. */
    warnings: z.array(z.string()),
    error: z.strictObject({ class: z.string(), code: z.string(), message: z.string() }).nullable(),
    datasets: z.array(
      z.strictObject({ name: z.string(), title: z.string(), action: z.string(), schemaHash: z.string() }),
    ),
  })
  .meta({ id: 'ConnectionCheck' });
type Checked = z.infer<typeof CheckedView>;

export class CheckConnection extends Command<Checked> {
  constructor(
    readonly by: Caller,
    readonly id: string,
  ) {
    super();
  }
}

@CommandHandler(CheckConnection)
export class CheckConnectionHandler implements ICommandHandler<CheckConnection> {
  constructor(
    private readonly store: EventStore,
    private readonly connections: Connections,
    private readonly calls: ConnectorCalls,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ by, id }: CheckConnection): Promise<Checked> {
    const { config_version } = await this.connections.get(by.tenant, id);
    const checked = await this.ask(by, id);
    const datasets = checked.ok ? await this.calls.datasets(by.tenant, id) : undefined;
    const schemas = (datasets ?? []).map(({ name, schemaHash }) => ({ name, schemaHash }));
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [
        {
          stream: connectionStream(id),
          type: 'ConnectionChecked.v1',
          data: { id, ok: checked.ok, code: checked.error?.code ?? null, datasets: schemas },
        },
      ],
      side: async (query) => {
        // What was asked is not what would serve, when somebody configured it anew meanwhile.
        const { rowCount } = await query({
          text: `UPDATE connection SET checked_at = $3, datasets = COALESCE($4, datasets)
                 WHERE tenant = $1 AND id = $2 AND config_version = $5`,
          values: [by.tenant, id, this.clock.now(), datasets ? JSON.stringify(datasets) : null, config_version],
        });
        if (rowCount !== 1) throw connectionChanged();
      },
    });
    return {
      ...checked,
      datasets: (datasets ?? []).map(({ name, title, action, schemaHash }) => ({ name, title, action, schemaHash })),
    };
  }

  private async ask(by: Caller, id: string): Promise<Omit<Checked, 'datasets'>> {
    try {
      const check = await this.calls.check(by.tenant, id);
      if (check.ok) return { id, ok: true, account: check.account, warnings: check.warnings ?? [], error: null };
      const error = { class: check.error.class, code: check.error.code, message: check.message };
      return { id, ok: false, account: null, warnings: [], error };
    } catch (error) {
      if (!(error instanceof PluginFailure)) throw error;
      return {
        id,
        ok: false,
        account: null,
        warnings: [],
        error: { class: error.fail.class, code: error.fail.code, message: error.message },
      };
    }
  }
}

export class SetConnectionStatus extends Command<{ id: string; status: string }> {
  constructor(
    readonly by: Caller,
    readonly id: string,
    readonly status: 'enabled' | 'disabled',
  ) {
    super();
  }
}

@CommandHandler(SetConnectionStatus)
export class SetConnectionStatusHandler implements ICommandHandler<SetConnectionStatus> {
  constructor(
    private readonly store: EventStore,
    private readonly connections: Connections,
    private readonly calls: ConnectorCalls,
  ) {}

  async execute({ by, id, status }: SetConnectionStatus): Promise<{ id: string; status: string }> {
    const row = await this.connections.get(by.tenant, id);
    if (row.status !== status) {
      mayBecome(row, status);
      await this.store.append({
        tenant: by.tenant,
        actorRef: by.actorRef,
        events: [
          {
            stream: connectionStream(id),
            type: status === 'enabled' ? 'ConnectionEnabled.v1' : 'ConnectionDisabled.v1',
            data: { id, before: row.status },
          },
        ],
        side: async (query) => {
          // To switch it off needs no look at what it is; what is switched on must be what was checked.
          const { rowCount } = await query({
            text: `UPDATE connection SET status = $3 WHERE tenant = $1 AND id = $2
                   AND ($3 = 'disabled' OR config_version = $4 AND datasets <> '[]')`,
            values: [by.tenant, id, status, row.config_version],
          });
          if (rowCount !== 1) throw connectionChanged();
        },
      });
    }
    // Every replica refuses new calls by the row; running ones finish, then the processes end.
    if (status === 'disabled') await this.calls.host.retireOthers({ tenant: by.tenant, id });
    return { id, status };
  }
}

function mayBecome(row: ConnectionRow, status: 'enabled' | 'disabled'): void {
  if (row.status === 'manual')
    throw conflict('connection-without-plugin', 'This system has no connector. Its work is a manual task.');
  if (status === 'enabled' && row.datasets.length === 0)
    throw conflict(
      'connection-not-checked',
      'Check the connection first, by POST …/check: an unchecked one could leave a dataset unsearched.',
    );
}
