/** What the doctor found: one thing that was looked at, and what to do about it. */

/** One thing that was looked at. `warning` is worth knowing; `bad` must be put right. */
export interface Finding {
  state: 'good' | 'warning' | 'bad';
  what: string;
  /** What to do, unless it is good. */
  todo?: string;
}

export const good = (what: string): Finding => ({ state: 'good', what });
export const warning = (what: string, todo: string): Finding => ({ state: 'warning', what, todo });
export const bad = (what: string, todo: string): Finding => ({ state: 'bad', what, todo });
