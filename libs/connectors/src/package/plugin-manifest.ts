/** What a `lethe.plugin.json` must look like before anything of the plugin is installed. */
import type { Json, PluginManifest } from '@lethe/plugin-sdk';
import { z } from 'zod';

const json = z.custom<Json>((value) => value !== undefined);

/** Zod schema of the manifest; the type is the SDK's. Unknown members are refused. */
export const pluginManifest = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
  version: z.string().regex(/^\d{1,6}\.\d{1,6}\.\d{1,6}(-[0-9A-Za-z.-]{1,40})?$/),
  name: z.string().min(1).max(100),
  publisher: z.string().min(1).max(100),
  license: z.string().min(1).max(100),
  protocol: z.literal(1),
  kind: z.literal('code'),
  // A plain relative path: no way out of the folder, no hidden files.
  entry: z.string().regex(/^(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*\/){0,5}[A-Za-z0-9_-][A-Za-z0-9_.-]*\.[cm]?js$/),
  native: z.boolean(),
  capabilities: z.array(z.enum(['access', 'erase', 'verify', 'retention'])),
  config: z.record(z.string(), json),
  configFormat: z.int().min(1).max(1000).exactOptional(),
  secrets: z.array(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/)).max(20),
  limits: z.strictObject({
    memoryMb: z.int().min(32).max(4096),
    callTimeoutS: z.int().min(1).max(3600),
    maxConcurrency: z.int().min(1).max(16),
  }),
}) satisfies z.ZodType<PluginManifest>;
