/** Rows of the tables of connectors, as they are read. */
import type { Dataset, Json, PluginManifest } from '@lethe/plugin-sdk';

/** A connection's row. */
export interface ConnectionRow {
  id: string;
  name: string;
  role: 'own' | 'processor' | 'joint' | 'independent';
  legal_entity: string;
  country: string;
  /** `plugin`, or a kind that a `ConnectionDriver` reaches. */
  kind: string;
  plugin_id: string | null;
  plugin_version: string | null;
  content_hash: string | null;
  config: Json;
  config_version: number;
  config_format: number;
  secrets: string | null;
  status: 'stopped' | 'enabled' | 'disabled' | 'manual';
  datasets: Dataset[];
  owner: string | null;
  why: string | null;
  checked_at: Date | null;
}

export interface PluginRow {
  id: string;
  version: string;
  content_hash: string;
  manifest: PluginManifest;
  installed_at: Date;
}

/** A plugin version that broke too often for one connection. */
export interface QuarantineRow {
  connection: string;
  content_hash: string;
  plugin_id: string;
  plugin_version: string;
  /** Code of the last failure, or `by-operator`. */
  why: string;
  since: Date;
}
