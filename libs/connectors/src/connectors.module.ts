/** Wires connectors: plugin host, connections, routes. */
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { SubjectsModule } from '#subjects';
import { CheckConnectionHandler, SetConnectionStatusHandler } from './change-connection.js';
import { Connections } from './connections.js';
import { ConnectorCalls } from './connector-calls.js';
import { ConnectorsController } from './connectors.controller.js';
import { CreateConnectionHandler, RegisterSystemHandler } from './create-connection.js';
import { InstallPluginHandler } from './install-plugin.js';
import { ListConnections } from './list-connections.js';
import { PluginFolders } from './plugin-folders.js';
import { ReconfigureConnectionHandler } from './reconfigure-connection.js';

@Module({
  imports: [CqrsModule, SubjectsModule],
  controllers: [ConnectorsController],
  providers: [
    Connections,
    ConnectorCalls,
    ListConnections,
    PluginFolders,
    ReconfigureConnectionHandler,
    InstallPluginHandler,
    CreateConnectionHandler,
    RegisterSystemHandler,
    CheckConnectionHandler,
    SetConnectionStatusHandler,
  ],
  exports: [Connections, ConnectorCalls],
})
export class ConnectorsModule {}
