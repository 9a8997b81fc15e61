/** `lethe.plugin.json`: what a plugin says of itself before any of its code runs. */
import type { Json } from './records.js';

export interface PluginManifest {
  /** Lower-case slug, e.g. `postgres`. */
  id: string;
  /** Semantic version. */
  version: string;
  name: string;
  publisher: string;
  license: string;
  /** Major version of the protocol the plugin speaks. */
  protocol: 1;
  kind: 'code';
  /** Bundled entry file, relative to the manifest. */
  entry: string;
  /** Loads native code (a database driver): cannot run under Node's permission flags. */
  native: boolean;
  capabilities: ('access' | 'erase' | 'verify' | 'retention')[];
  /** JSON Schema 2020-12 of the connection's configuration; `x-secret: true` marks a secret. */
  config: { [key: string]: Json };
  /** Format of that configuration; 1 when absent. Raised when stored configurations must be migrated. */
  configFormat?: number;
  /** Names of the secrets a connection must bring. */
  secrets: string[];
  limits: { memoryMb: number; callTimeoutS: number; maxConcurrency: number };
}
