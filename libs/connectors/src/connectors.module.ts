/** Wires connectors: plugin host, connections, routes. */
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { SubjectsModule } from '#subjects';
import { TenancyModule } from '#tenancy';
import { CheckConnectionHandler, SetConnectionStatusHandler } from './connection/change-connection.js';
import { Connections } from './connection/connections.js';
import { ConnectorCalls } from './connection/connector-calls.js';
import { ConnectorsController } from './connectors.controller.js';
import { ConnectionSwitch } from './connection/connection-switch.js';
import { QuarantineConnectionHandler } from './connection/quarantine-connection.js';
import { Quarantines } from './connection/quarantines.js';
import {
  RollbackConnectionHandler,
  RotateSecretHandler,
  UpgradeConnectionHandler,
} from './connection/switch-connection.js';
import { OpenWork } from './connection/open-work.js';
import { PluginLifeController } from './plugin-life.controller.js';
import { RemoveConnectionHandler } from './connection/remove-connection.js';
import { RemovePluginHandler } from './package/remove-plugin.js';
import { Trials } from './connection/trial.js';
import { CreateConnectionHandler, RegisterSystemHandler } from './connection/create-connection.js';
import { InstallPluginHandler } from './package/install-plugin.js';
import { ListConnections } from './connection/list-connections.js';
import { PluginFolders } from './package/plugin-folders.js';
import { ReconfigureConnectionHandler } from './connection/reconfigure-connection.js';

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
