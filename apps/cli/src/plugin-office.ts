/** What an operator can do about plugins, in the same words over the API and on the database of a service that is down. */

/** A connection, as a line of the list shows it. */
export interface ShownConnection {
  id: string;
  name: string;
  status: string;
  plugin: { id: string; version: string } | null;
  isolation: string | null;
  blocked: { code: string; why: string } | null;
}

export interface ShownPlugin {
  id: string;
  version: string;
  contentHash: string;
  quarantinedFor: string[];
}

/** Who takes over a removed connection by hand. `dueOn` is YYYY-MM-DD. */
export interface Takeover {
  owner: string;
  dueOn: string;
}

/** Each call resolves with one line for the operator. */
export interface PluginOffice {
  plugins(): Promise<ShownPlugin[]>;
  connections(): Promise<ShownConnection[]>;
  switchTo(id: string, what: 'enable' | 'disable'): Promise<string>;
  rollback(id: string): Promise<string>;
  quarantine(id: string, how: 'set' | 'clear', reason: string): Promise<string>;
  remove(id: string, reason: string, takeover: Takeover | undefined): Promise<string>;
  removeVersion(plugin: string, version: string, reason: string): Promise<string>;
  close(): Promise<void>;
}
