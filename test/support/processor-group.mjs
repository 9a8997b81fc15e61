/**
 * One group of processor time (cgroups(7)) for a run and all it starts, as a unit and a container give it. Without one,
 * a system that groups processes by session (sched(7), "The autogroup feature") weighs each plugin as a whole session.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';

/** Where the controller is mounted alone (version 1), and where all of them are (version 2). */
const MOUNTS = ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup'];

/** Returns the group, or undefined where there is no controller or no right to it; says which. */
export function joinProcessorGroup() {
  const mount = MOUNTS.find((folder) => existsSync(join(folder, 'cgroup.procs')));
  try {
    if (mount === undefined) throw new Error('no controller is mounted');
    const group = join(mount, pathOf(mount), `lethe-test-${process.pid}`);
    mkdirSync(group);
    writeFileSync(join(group, 'cgroup.procs'), String(process.pid));
    process.stderr.write('All processes of this run share one group of processor time.\n');
    return group;
  } catch (error) {
    process.stderr.write(`No group of processor time of our own: ${error.code ?? error.message}.\n`);
    return undefined;
  }
}

/** Gives back a group that nobody else is in any more; another run's would be left to it. */
export function leaveProcessorGroup(group) {
  if (group === undefined) return;
  writeFileSync(join(dirname(group), 'cgroup.procs'), String(process.pid));
  try {
    rmdirSync(group);
  } catch (error) {
    process.stderr.write(`A process of the run is left in its group of processor time (${error.code}).\n`);
  }
}

function pathOf(mount) {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').split('\n');
  const line = lines.find((one) => (mount.endsWith('cgroup') ? one.startsWith('0::') : /^\d+:[^:]*\bcpu\b/.test(one)));
  return line?.split(':').slice(2).join(':') ?? '/';
}
