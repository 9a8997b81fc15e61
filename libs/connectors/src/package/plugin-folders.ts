/** Where plugins come from before they are approved: the shipped ones, and what an operator has put into `incoming`. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Inject, Injectable } from '@nestjs/common';
import { conflict, notFound } from '#kernel';
import { CONFIG, type Config } from '#platform';
import { inspectPlugin, type InspectedPlugin } from './plugin-package.js';

const MANIFEST = 'lethe.plugin.json';

@Injectable()
export class PluginFolders {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /**
   * The built folder of a shipped plugin, or `<LETHE_PLUGIN_DIR>/incoming/<name>`. A shipped name cannot be taken by a
   * folder; what is in the folder runs only after an admin approved its hash. Errors: 404; 409 `plugin-name-shipped`.
   */
  folder(name: string): string {
    const shipped = join(projectRoot(), 'plugins', name, 'dist');
    const incoming = join(this.config.pluginDir, 'incoming', name);
    const [found, other] = [shipped, incoming].filter((dir) => existsSync(join(dir, MANIFEST)));
    if (!found) throw notFound('plugin folder');
    if (other)
      throw conflict(
        'plugin-name-shipped',
        'A plugin below plugins/ has this name. Remove the one in incoming, or rename it.',
      );
    return found;
  }

  /** Shows a plugin without running anything of it. */
  inspect(name: string): Promise<InspectedPlugin> {
    return inspectPlugin(this.folder(name));
  }
}

/** The same from the sources, from the build and in the container's image: our only package.json above this file. */
function projectRoot(): string {
  let root = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(root, 'package.json')) && dirname(root) !== root) root = dirname(root);
  return root;
}
