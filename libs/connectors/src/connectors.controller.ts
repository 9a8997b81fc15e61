/** Routes of plugins and connections. */
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { Answers, Audited, By, Caller, Can } from '#platform';
import { CheckConnection, CheckedView, SetConnectionStatus } from './connection/change-connection.js';
import { ConnectionBody, ConnectionList, PluginList, PluginView, SystemBody } from './connection/connection.js';
import { CreateConnection, RegisterSystem } from './connection/create-connection.js';
import {
  InspectedPluginView,
  inspectedView,
  InspectPluginBody,
  InstallPlugin,
  InstallPluginBody,
} from './package/install-plugin.js';
import { ListConnections } from './connection/list-connections.js';
import { PluginFolders } from './package/plugin-folders.js';
import { ConfigureBody, ReconfigureConnection } from './connection/reconfigure-connection.js';
import { SwitchedView, UpgradeBody, UpgradeConnection } from './connection/switch-connection.js';

const Placed = z.strictObject({ id: z.uuid(), status: z.string() }).meta({ id: 'ConnectionStatus' });
const connectionId = z.uuid();

@Controller('v1/admin')
export class ConnectorsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly lists: ListConnections,
    private readonly folders: PluginFolders,
  ) {}

  @Post('plugins/inspect')
  @Can('configure', 'Plugin')
  @Audited('plugin.inspect', 'exempt', 'reads files of a plugin, no personal data')
  @Answers(200, InspectedPluginView)
  async inspectPlugin(
    @Body({ schema: InspectPluginBody }) body: z.infer<typeof InspectPluginBody>,
  ): Promise<z.infer<typeof InspectedPluginView>> {
    return inspectedView(body.name, await this.folders.inspect(body.name));
  }

  @Post('plugins')
  @Can('configure', 'Plugin')
  @Audited('plugin.install', 'change')
  @Answers(201, PluginView)
  installPlugin(
    @By() by: Caller,
    @Body({ schema: InstallPluginBody }) body: z.infer<typeof InstallPluginBody>,
  ): Promise<z.infer<typeof PluginView>> {
    return this.commands.execute(new InstallPlugin(by, body));
  }

  @Get('plugins')
  @Can('read', 'Plugin')
  @Audited('plugin.list', 'exempt', 'holds no personal data')
  @Answers(200, PluginList)
  listPlugins(@By() by: Caller): Promise<z.infer<typeof PluginList>> {
    return this.lists.plugins(by.tenant);
  }

  @Get('connections')
  @Can('read', 'Connection')
  @Audited('connection.list', 'exempt', 'holds no personal data')
  @Answers(200, ConnectionList)
  listConnections(@By() by: Caller): Promise<z.infer<typeof ConnectionList>> {
    return this.lists.connections(by.tenant);
  }

  @Post('connections')
  @Can('configure', 'Connection')
  @Audited('connection.create', 'change')
  @Answers(201, Placed)
  createConnection(
    @By() by: Caller,
    @Body({ schema: ConnectionBody }) body: z.infer<typeof ConnectionBody>,
  ): Promise<z.infer<typeof Placed>> {
    return this.commands.execute(new CreateConnection(by, body));
  }

  @Post('systems')
  @Can('configure', 'Connection')
  @Audited('system.register', 'change')
  @Answers(201, Placed)
  registerSystem(
    @By() by: Caller,
    @Body({ schema: SystemBody }) body: z.infer<typeof SystemBody>,
  ): Promise<z.infer<typeof Placed>> {
    return this.commands.execute(new RegisterSystem(by, body));
  }

  @Post('connections/:id/configure')
  @Can('configure', 'Connection')
  @Audited('connection.configure', 'change')
  @Answers(200, Placed)
  configureConnection(
    @By() by: Caller,
    @Param('id', { schema: connectionId }) id: string,
    @Body({ schema: ConfigureBody }) body: z.infer<typeof ConfigureBody>,
  ): Promise<z.infer<typeof Placed>> {
    return this.commands.execute(new ReconfigureConnection(by, id, body));
  }

  @Post('connections/:id/upgrade')
  @Can('configure', 'Connection')
  @Audited('connection.upgrade', 'change')
  @Answers(200, SwitchedView)
  upgradeConnection(
    @By() by: Caller,
    @Param('id', { schema: connectionId }) id: string,
    @Body({ schema: UpgradeBody }) body: z.infer<typeof UpgradeBody>,
  ): Promise<z.infer<typeof SwitchedView>> {
    return this.commands.execute(new UpgradeConnection(by, id, body));
  }

  @Post('connections/:id/check')
  @Can('operate', 'Connection')
  @Audited('connection.check', 'change')
  @Answers(200, CheckedView)
  checkConnection(
    @By() by: Caller,
    @Param('id', { schema: connectionId }) id: string,
  ): Promise<z.infer<typeof CheckedView>> {
    return this.commands.execute(new CheckConnection(by, id));
  }

  @Post('connections/:id/enable')
  @Can('operate', 'Connection')
  @Audited('connection.enable', 'change')
  @Answers(200, Placed)
  enableConnection(
    @By() by: Caller,
    @Param('id', { schema: connectionId }) id: string,
  ): Promise<z.infer<typeof Placed>> {
    return this.commands.execute(new SetConnectionStatus(by, id, 'enabled'));
  }

  @Post('connections/:id/disable')
  @Can('operate', 'Connection')
  @Audited('connection.disable', 'change')
  @Answers(200, Placed)
  disableConnection(
    @By() by: Caller,
    @Param('id', { schema: connectionId }) id: string,
  ): Promise<z.infer<typeof Placed>> {
    return this.commands.execute(new SetConnectionStatus(by, id, 'disabled'));
  }
}
