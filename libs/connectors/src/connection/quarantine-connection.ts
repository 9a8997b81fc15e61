/** A person sets a plugin aside for one connection, or gives it a fresh budget; both with a reason, both facts. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Caller } from '#platform';
import { Connections } from './connections.js';
import { ConnectorCalls } from './connector-calls.js';
import { Quarantines } from './quarantines.js';
import { withPlugin } from './switch-connection.js';

export const QuarantineBody = z
  .strictObject({ reason: z.string().min(1).max(500) })
  .meta({ id: 'QuarantineConnection' });

export class QuarantineConnection extends Command<{ id: string; status: string }> {
  constructor(
    readonly by: Caller,
    readonly id: string,
    readonly how: 'set' | 'clear',
    readonly reason: string,
  ) {
    super();
  }
}

@CommandHandler(QuarantineConnection)
export class QuarantineConnectionHandler implements ICommandHandler<QuarantineConnection> {
  constructor(
    private readonly connections: Connections,
    private readonly quarantines: Quarantines,
    private readonly calls: ConnectorCalls,
  ) {}

  async execute({ by, id, how, reason }: QuarantineConnection): Promise<{ id: string; status: string }> {
    const row = await withPlugin(this.connections, by, id);
    const words = await this.connections.words(by.tenant, { reason });
    if (how === 'set') {
      await this.quarantines.setBy(by, row, words);
      void this.calls.host.retireOthers({ tenant: by.tenant, id });
      return { id, status: 'quarantined' };
    }
    // First: this process may remember failures that it could not record, and there is nothing else to clear then.
    const plugin = await this.connections.plugin(by.tenant, row);
    this.calls.host.clearQuarantine({ tenant: by.tenant, id, plugin });
    await this.quarantines.clear(by, row, words);
    return { id, status: row.status };
  }
}
