/** What the doctor looks at on the machine: Node, disk, folders, keys, how well plugins can be kept apart. */
import { existsSync } from 'node:fs';
import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isEnough, isolationHere } from '#connectors';
import { openArchive } from '#ledger';
import { FileKeys, type Config } from '#platform';
import { refusesWrites } from '../../server/src/writable-folder.js';
import { bad, good, warning, type Finding } from './finding.js';

const LEAST_FREE = 512 * 1024 * 1024;

export async function machineFindings(config: Config): Promise<Finding[]> {
  return [
    node(),
    await dataFolder(config.dataDir),
    await disk(config.dataDir),
    await keys(config.keyDir),
    await apart(config),
    ...(await archive(config)),
  ];
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  const what = `Node ${process.versions.node}`;
  return enough ? good(what) : bad(what, 'Install Node 20.19 or newer, or 22.12 or newer.');
}

async function dataFolder(folder: string): Promise<Finding> {
  if (!existsSync(folder)) return good('data folder will be made at the first start');
  const { uid, mode } = await stat(folder);
  const own = process.getuid?.();
  if (own !== undefined && uid !== own)
    return bad(
      'data folder belongs to another user',
      'Start as its owner, or set LETHE_DATA_DIR to a folder of your own.',
    );
  const writable = await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!writable) return bad('data folder cannot be written', 'Give its owner the right to write.');
  // Root opens it for passing only (0711), so that the database's own user can reach its cluster.
  return (mode & 0o066) === 0
    ? good('data folder is private and can be written')
    : warning('data folder can be read by others', 'chmod go-rw the folder: it holds packages and demo keys.');
}

async function disk(folder: string): Promise<Finding> {
  let there = folder;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  const { bavail, bsize } = await statfs(there);
  const free = bavail * bsize;
  const what = `disk: ${(free / 1024 ** 3).toFixed(1)} GiB free`;
  return free >= LEAST_FREE ? good(what) : bad(what, 'Free at least half a gibibyte: a full disk stops every append.');
}

async function keys(directory: string): Promise<Finding> {
  if (!existsSync(join(directory, 'keyring.json'))) return good('keys will be made at the first start');
  try {
    await FileKeys.open(directory);
    return good('keys are complete and readable by this user only');
  } catch (error) {
    return bad(
      `keys: ${error instanceof Error ? error.message : 'unreadable'}`,
      'Do what the line above says; never begin with new keys.',
    );
  }
}

/** Tried, not guessed: a container may forbid what root is otherwise allowed. */
async function apart({ LETHE_MIN_ISOLATION: demanded }: Config): Promise<Finding> {
  const reached = await isolationHere();
  const user = reached.separateUser ? 'a user of its own' : "the service's own user";
  const what = `plugins reach the level ${reached.level}: each a process under ${user}. ${reached.notes.join(' ')}`;
  return isEnough(reached.level, demanded)
    ? good(what)
    : bad(
        what,
        `LETHE_MIN_ISOLATION=${demanded} lets none start: set LETHE_MIN_ISOLATION=${reached.level} if that is enough.`,
      );
}

async function archive({ LETHE_ARCHIVE_URL: url }: Config): Promise<Finding[]> {
  if (url === undefined) return [];
  const code = await refusesWrites(openArchive(url).folder);
  if (code === undefined) return [good('archive folder can be written')];
  const todo = 'Set LETHE_ARCHIVE_URL to a folder that the service may write: what is not copied out, a restore loses.';
  return [bad(`archive folder cannot be written (${code})`, todo)];
}
