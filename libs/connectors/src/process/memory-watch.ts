/** Watches what a process really holds, because V8's own limit does not count buffers. */
import { readFileSync } from 'node:fs';

const POLL_MS = 50;

/**
 * Private and shared memory of a process in bytes, without the pages of files (the Node binary, a mapped database),
 * which the kernel can take back. Undefined when the process is gone or the system has no /proc.
 */
export function residentBytes(pid: number): number | undefined {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return undefined;
  }
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return (kib('RssAnon') + kib('RssShmem')) * 1024;
}

/** Calls `over` once when the process holds more than `limitMb` MiB. Returns what stops the watch. */
export function watchMemory(pid: number, limitMb: number, over: () => void): () => void {
  const timer = setInterval(() => {
    if ((residentBytes(pid) ?? 0) <= limitMb * 1024 * 1024) return;
    clearInterval(timer);
    over();
  }, POLL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
