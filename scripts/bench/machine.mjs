// What the figures were taken on: the disk alone can vary by a factor of seven, so it stands beside every row.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';

/**
 * Durable 8 kB writes a second: what one commit costs at least.
 *
 * @param {string} folder on the disk that the database uses
 */
export function fdatasyncPerSecond(folder, milliseconds = 1000) {
  const place = mkdtempSync(join(folder, 'disk-'));
  const file = openSync(join(place, 'probe'), 'w');
  const page = Buffer.alloc(8192, 1);
  try {
    // Like WAL: the file has its size already, only contents change.
    for (let at = 0; at < 256; at += 1) writeSync(file, page, 0, page.length, at * page.length);
    fdatasyncSync(file);
    const begun = performance.now();
    let count = 0;
    for (; performance.now() - begun < milliseconds; count += 1) {
      writeSync(file, page, 0, page.length, (count % 256) * page.length);
      fdatasyncSync(file);
    }
    return (count / (performance.now() - begun)) * 1000;
  } finally {
    closeSync(file);
    rmSync(place, { recursive: true });
  }
}

/** Runnable tasks, averaged over the last minute, of everything on this machine. */
export const load = () => loadavg()[0];

/** One line on processor, memory and Node. */
export function machine() {
  const model = cpus()[0]?.model ?? 'unknown processor';
  return `${availableParallelism()} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, ${process.platform}`;
}

/** Time this machine spent on anything at all, in jiffies; undefined where /proc is missing. */
export function busyJiffies() {
  try {
    const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
      .split('\n', 1)[0]
      .trim()
      .split(/\s+/)
      .slice(1)
      .map(Number);
    return { busy: user + nice + system + irq + softirq, stolen: steal };
  } catch {
    return undefined;
  }
}
