/** Wires connectors: plugin host, connections, routes. */
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { SubjectsModule } from '#subjects';
import { TenancyModule } from '#tenancy';
import { CheckConnectionHandler, SetConnectionStatusHandler } from './change-connection.js';
import { Connections } from './connections.js';
import { ConnectorCalls } from './connector-calls.js';
import { ConnectorsController } from './connectors.controller.js';
import { ConnectionSwitch } from './connection-switch.js';
import { QuarantineConnectionHandler } from './quarantine-connection.js';
import { Quarantines } from './quarantines.js';
import { RollbackConnectionHandler, RotateSecretHandler, UpgradeConnectionHandler } from './switch-connection.js';
import { OpenWork } from './open-work.js';
import { PluginLifeController } from './plugin-life.controller.js';
import { RemoveConnectionHandler } from './remove-connection.js';
import { RemovePluginHandler } from './remove-plugin.js';
import { Trials } from './trial.js';
import { CreateConnectionHandler, RegisterSystemHandler } from './create-connection.js';
import { InstallPluginHandler } from './install-plugin.js';
import { ListConnections } from './list-connections.js';
import { PluginFolders } from './plugin-folders.js';
import { ReconfigureConnectionHandler } from './reconfigure-connection.js';

@Module({
  imports: [CqrsModule, SubjectsModule, TenancyModule],
  controllers: [ConnectorsController, PluginLifeController],
  providers: [
    Connections,
    ConnectorCalls,
    ListConnections,
    PluginFolders,
    ReconfigureConnectionHandler,
    OpenWork,
    RemoveConnectionHandler,
    RemovePluginHandler,
    Quarantines,
    Trials,
    ConnectionSwitch,
    UpgradeConnectionHandler,
    RollbackConnectionHandler,
    RotateSecretHandler,
    QuarantineConnectionHandler,
    InstallPluginHandler,
    CreateConnectionHandler,
    RegisterSystemHandler,
    CheckConnectionHandler,
    SetConnectionStatusHandler,
  ],
  exports: [Connections, ConnectorCalls, OpenWork, ListConnections],
})
export class ConnectorsModule {}
