/** The verbs, and the one place that turns their failures into a sentence and an exit status. */
import type { FieldError } from '#kernel';
import { Usage, type Terminal, type Verb } from './terminal.js';

interface Listed {
  what: string;
  load: () => Promise<Verb>;
}

/** Each verb is loaded when it is asked for: `lethe due` needs no database driver. */
const verbs: Record<string, Listed> = {
  migrate: { what: 'bring the databases to this build', load: async () => (await import('./migrate.js')).migrateVerb },
  bootstrap: {
    what: 'create roles, tables and a first tenant; prints its keys once',
    load: async () => (await import('./bootstrap.js')).bootstrapVerb,
  },
  demo: { what: "tell the demonstration's story", load: async () => (await import('./demo.js')).demoVerb },
  doctor: { what: 'say what is wrong and what to do', load: async () => (await import('./doctor.js')).doctorVerb },
  backup: {
    what: 'ledger, key store, suppressions and certificates, each apart',
    load: async () => (await import('./backup.js')).backupVerb,
  },
  restore: {
    what: 'put a backup and the archived tail back, into quarantine',
    load: async () => (await import('./restore.js')).restoreVerb,
  },
  replay: {
    what: 'erase again what was erased, everywhere, and end the quarantine',
    load: async () => (await import('./replay.js')).replayVerb,
  },
  rebuild: {
    what: 'read projections again from the ledger',
    load: async () => (await import('./rebuild.js')).rebuildVerb,
  },
  keys: { what: 'say which keys are in use, and replace them', load: async () => (await import('./keys.js')).keysVerb },
  'verify-log': {
    what: "recompute a running service's log and compare it with its seal",
    load: async () => (await import('./verify-log.js')).verifyLogVerb,
  },
  'verify-store': {
    what: 'read every leaf, head, suppression and key again, and name what was changed',
    load: async () => (await import('./verify-store.js')).verifyStoreVerb,
  },
  due: { what: "explain a deadline's arithmetic", load: async () => (await import('./due.js')).dueVerb },
  plugin: {
    what: 'list, install, disable, roll back, quarantine and remove plugins; also while the service is down',
    load: async () => (await import('./plugin.js')).pluginVerb,
  },
};

function help(): string[] {
  const list = Object.entries(verbs).map(([name, { what }]) => `  ${name.padEnd(12)} ${what}`);
  return [
    'Usage: lethe <verb> [options]; lethe <verb> --help',
    '',
    ...list,
    '',
    'Settings come from the environment; docs/operations.md lists them.',
  ];
}

/** Runs one command line. Exit status: 0 done, 1 failed, 2 not understood. */
export async function runVerb(words: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...args] = words;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    for (const line of help()) terminal.say(line);
    return name === undefined ? 2 : 0;
  }
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (!verb) {
    terminal.complain(`lethe has no verb of that name. It has: ${Object.keys(verbs).join(', ')}.`);
    return 2;
  }
  try {
    return await (
      await verb.load()
    )(args, terminal);
  } catch (error) {
    const { message, code } = error as { message?: unknown; code?: unknown };
    const misread = error instanceof Usage || String(code).startsWith('ERR_PARSE_ARGS');
    terminal.complain(`lethe ${name}: ${typeof message === 'string' ? message : String(error)}`);
    for (const { pointer, code: what, detail = '' } of placesOf(error))
      terminal.complain(`  ${pointer || '/'} ${what}${detail && `: ${detail}`}`);
    return misread ? 2 : 1;
  }
}

/** Where a refused call was wrong: of a problem document, or of a refusal in this process. */
function placesOf(error: unknown): readonly FieldError[] {
  const { document, details } = error as { document?: { errors?: FieldError[] }; details?: { errors?: FieldError[] } };
  return (document ?? details)?.errors ?? [];
}
