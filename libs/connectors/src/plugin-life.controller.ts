/** Routes of a plugin's later life: back, other secrets, set aside, away. */
import { Body, Controller, Param, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { Answers, Audited, By, Caller, Can } from '#platform';
import { QuarantineBody, QuarantineConnection } from './connection/quarantine-connection.js';
import { RemoveConnection, RemoveConnectionBody, RemovedConnectionView } from './connection/remove-connection.js';
import { RemovedPluginView, RemovePlugin, RemovePluginBody } from './package/remove-plugin.js';
import { RollbackConnection, RotateSecret, RotateSecretBody, SwitchedView } from './connection/switch-connection.js';

const connectionId = z.uuid();
const pluginId = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/);
const RollbackBody = z.strictObject({}).meta({ id: 'RollbackConnection' });
const Placed = z.strictObject({ id: z.uuid(), status: z.string() }).meta({ id: 'ConnectionStatus' });

@Controller('v1/admin')
export class PluginLifeController {
  constructor(private readonly commands: CommandBus) {}

  @Post('connections/:id/rollback')
  @Can('configure', 'Connection')
  @Audited('connection.rollback', 'change')
  @Answers(200, SwitchedView)
  rollbackConnection(
    @By() by: Caller,
    @Param('id', { schema: connectionId }) id: string,
    @Body({ schema: RollbackBody }) _: z.infer<typeof RollbackBody>,
  ): Promise<z.infer<typeof SwitchedView>> {
    return this.commands.execute(new RollbackConnection(by, id));
  }

  @Post('connections/:id/rotate-secret')
  @Can('configure', 'Connection')
  @Audited('connection.rotate-secret', 'change')
  @Answers(200, SwitchedView)
  rotateConnectionSecret(
    @By() by: Caller,
    @Param('id', { schema: connectionId }) id: string,
    @Body({ schema: RotateSecretBody }) body: z.infer<typeof RotateSecretBody>,
  ): Promise<z.infer<typeof SwitchedView>> {
    return this.commands.execute(new RotateSecret(by, id, body));
  }

  @Post('connections/:id/quarantine')
  @Can('operate', 'Plugin')
  @Audited('connection.quarantine', 'change')
  @Answers(200, Placed)
  quarantineConnection(
    @By() by: Caller,
    @Param('id', { schema: connectionId }) id: string,
    @Body({ schema: QuarantineBody }) body: z.infer<typeof QuarantineBody>,
  ): Promise<z.infer<typeof Placed>> {
    return this.commands.execute(new QuarantineConnection(by, id, 'set', body.reason));
  }

  @Post('connections/:id/quarantine/clear')
  @Can('operate', 'Plugin')
  @Audited('connection.quarantine-clear', 'change')
  @Answers(200, Placed)
  clearQuarantine(
    @By() by: Caller,
    @Param('id', { schema: connectionId }) id: string,
    @Body({ schema: QuarantineBody }) body: z.infer<typeof QuarantineBody>,
  ): Promise<z.infer<typeof Placed>> {
    return this.commands.execute(new QuarantineConnection(by, id, 'clear', body.reason));
  }

  @Post('connections/:id/remove')
  @Can('configure', 'Connection')
  @Audited('connection.remove', 'change')
  @Answers(200, RemovedConnectionView)
  removeConnection(
    @By() by: Caller,
    @Param('id', { schema: connectionId }) id: string,
    @Body({ schema: RemoveConnectionBody }) body: z.infer<typeof RemoveConnectionBody>,
  ): Promise<z.infer<typeof RemovedConnectionView>> {
    return this.commands.execute(new RemoveConnection(by, id, body));
  }

  @Post('plugins/:id/remove')
  @Can('configure', 'Plugin')
  @Audited('plugin.remove', 'change')
  @Answers(200, RemovedPluginView)
  removePlugin(
    @By() by: Caller,
    @Param('id', { schema: pluginId }) id: string,
    @Body({ schema: RemovePluginBody }) body: z.infer<typeof RemovePluginBody>,
  ): Promise<z.infer<typeof RemovedPluginView>> {
    return this.commands.execute(new RemovePlugin(by, id, body));
  }
}
