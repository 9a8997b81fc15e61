/** What outlives the processes of a connection: whether it is switched off, and how often each plugin of it broke. */
import type { Clock } from '#kernel';
import { RestartBudget } from './restart-budget.js';
import type { ProcessOwner } from './process-start.js';

/** Which connection is meant, whatever its plugin and secrets are at present. */
export type ConnectionName = Pick<ProcessOwner, 'tenant' | 'id'>;
/** A connection with the plugin that would run for it. */
export type ConnectionPlugin = Pick<ProcessOwner, 'tenant' | 'id' | 'plugin'> & { trial?: boolean };

/** Key of a connection; `parts` tell apart what lives beside each other in it. */
export function keyOf({ tenant, id }: ConnectionName, ...parts: (string | number)[]): string {
  return JSON.stringify([tenant, id, ...parts]);
}

/** The memory of this process; what must be known to every replica is in the ledger. */
export class Standings {
  private readonly off = new Set<string>();
  private readonly budgets = new Map<string, RestartBudget>();

  constructor(private readonly clock: Clock) {}

  /** Why the connection cannot be called at present; undefined when it can. */
  blocked(connection: ConnectionPlugin): 'connection-disabled' | 'plugin-quarantined' | undefined {
    if (!connection.trial && this.off.has(keyOf(connection))) return 'connection-disabled';
    return this.budget(connection).quarantined ? 'plugin-quarantined' : undefined;
  }

  disable(connection: ConnectionName): void {
    this.off.add(keyOf(connection));
  }

  enable(connection: ConnectionName): void {
    this.off.delete(keyOf(connection));
  }

  /** By the bytes of the plugin: a version that broke does not condemn the one before it. */
  budget(connection: ConnectionPlugin): RestartBudget {
    const key = keyOf(connection, connection.plugin.contentHash);
    const known = this.budgets.get(key) ?? new RestartBudget(this.clock);
    this.budgets.set(key, known);
    return known;
  }
}
