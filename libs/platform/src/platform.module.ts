/** The one global module: what every domain may be given by its constructor. */
import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Clock } from '#kernel';
import { Database, EventStore, LogReader, Signer, Subscriptions } from '#ledger';
import { ClockGuard } from './clock-guard.js';
import type { Config } from './config.js';
import { KeyProvider } from './keys/key-provider.js';
import type { Logger } from './log.js';
import { ServiceState } from './service-state.js';
import { Metrics } from './metrics.js';

/** Injection token of `Clock`. */
export const CLOCK = Symbol('lethe:clock');
/** Injection token of `Config`. */
export const CONFIG = Symbol('lethe:config');
/** Injection token of `Logger`. */
export const LOGGER = Symbol('lethe:logger');
/** Injection token of the key store's `Database`. */
export const KEYSTORE_DATABASE = Symbol('lethe:keystore-database');

/** The parts, already built; the server and the tests differ only in these. */
export interface PlatformParts {
  clock: Clock;
  config: Config;
  log: Logger;
  database: Database;
  keystoreDatabase: Database;
  store: EventStore;
  subscriptions: Subscriptions;
  reader: LogReader;
  signer: Signer;
  keys: KeyProvider;
  metrics: Metrics;
  /** Whether this process may sign and act on due dates. */
  clockGuard: ClockGuard;
  /** What this process refuses at the moment. */
  state: ServiceState;
}

@Global()
@Module({})
export class PlatformModule {
  static with(parts: PlatformParts): DynamicModule {
    const providers = [
      // Due dates and delays are counted by the earlier of two clocks that disagree, like everything that is recorded.
      { provide: CLOCK, useValue: parts.clockGuard },
      { provide: CONFIG, useValue: parts.config },
      { provide: LOGGER, useValue: parts.log },
      { provide: Database, useValue: parts.database },
      { provide: KEYSTORE_DATABASE, useValue: parts.keystoreDatabase },
      { provide: EventStore, useValue: parts.store },
      { provide: Subscriptions, useValue: parts.subscriptions },
      { provide: LogReader, useValue: parts.reader },
      { provide: Signer, useValue: parts.signer },
      { provide: KeyProvider, useValue: parts.keys },
      { provide: ServiceState, useValue: parts.state },
      { provide: Metrics, useValue: parts.metrics },
      { provide: ClockGuard, useValue: parts.clockGuard },
    ];
    return { module: PlatformModule, providers, exports: providers.map((provider) => provider.provide) };
  }
}
