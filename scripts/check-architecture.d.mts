// Types of the architecture check for its own test.

export interface Violation {
  readonly rule: 'uphill' | 'door' | 'plugin' | 'foreign' | 'unknown' | 'package' | 'cycle';
  /** File from the root, with forward slashes. */
  readonly path: string;
  readonly line: number;
  /** The specifier as written; for a cycle the other files of it. */
  readonly name: string;
  readonly text: string;
}

/** Reads every source below apps, libs, plugins and test of `root` and returns what breaks `architecture`. */
export function checkArchitecture(
  root: string,
  architecture: unknown,
): { readonly files: number; readonly arrows: number; readonly violations: readonly Violation[] };
