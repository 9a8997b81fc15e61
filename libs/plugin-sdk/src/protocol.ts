/** The frames that travel between the host (fd 3 of the plugin's process) and the plugin (its fd 4). Types only. */
import type { Op } from './connector.js';
import type { Fail, Item, Json, Located, PersonToObey, RetentionRule, Target } from './records.js';

/** Major version of the protocol: the host kills a process that says another one. */
export const PROTOCOL = 1;

/** What a connector can be asked. `scan`, `poll`, `obey` and `migrate` are optional. */
export type PluginOp =
  'check' | 'datasets' | 'locate' | 'read' | 'apply' | 'verify' | 'horizon' | 'scan' | 'poll' | 'obey' | 'migrate';

/** Arguments of each operation, as they travel. */
export interface PluginArgs {
  check: Record<string, never>;
  datasets: Record<string, never>;
  locate: { items: Item[] };
  read: { items: Item[]; at: Located[] };
  apply: { op: Op; items: Item[]; at: Target[] };
  verify: { items: Item[]; at: Target[] };
  horizon: Record<string, never>;
  scan: { rule: RetentionRule };
  poll: { handle: Json };
  obey: { people: PersonToObey[] };
  /** The process of a migration was opened without configuration and secrets: this is all it gets. */
  migrate: { config: { [key: string]: Json }; from: number; to: number };
}

/** One call. `deadline` and `now` are RFC 3339 UTC on the host's clock; `credit` is the first window, in frames. */
export interface CallFrame {
  t: 'call';
  id: number;
  op: PluginOp;
  deadline: string;
  now: string;
  credit: number;
  args: Json;
}

/**
 * Host to plugin. `open` comes once, after the plugin's `hello`; secrets travel in it and nowhere else. `credit` grants
 * further frames to a call; `abort` ends a call (the plugin answers it with `end` or `error`); `close` lets running
 * calls finish and then ends the process.
 */
export type HostFrame =
  | { t: 'open'; config: Json; secrets: Record<string, string> }
  | CallFrame
  | { t: 'credit'; id: number; n: number }
  | { t: 'abort'; id: number }
  | { t: 'close' };

/**
 * Plugin to host. `hello` within 10 seconds of the start; then for every call any number of `item`, and one `end` or
 * `error`. Every frame of an `item` costs one credit (a value above 1 MiB costs several); sending without credit is a
 * violation that ends the process.
 */
export type PluginFrame =
  | { t: 'hello'; protocol: number; id: string; version: string }
  | { t: 'item'; id: number; value: Json }
  | { t: 'end'; id: number }
  | { t: 'error'; id: number; fail: Fail; message: string }
  | { t: 'log'; id: number; level: 'info' | 'warn'; message: string; fields?: Record<string, Json> };
