/** What a verb is given and gives back. */

/** Where a verb prints, and the environment it reads its settings from. */
export interface Terminal {
  /** One line to standard output. */
  say(line: string): void;
  /** One line to standard error. */
  complain(line: string): void;
  environment: NodeJS.ProcessEnv;
}

/** Runs with the words after the verb; resolves to the exit status. */
export type Verb = (args: string[], terminal: Terminal) => Promise<number>;

/** A mistake of the person at the keyboard, or a state they must change: the message says what to do. Exit status 2. */
export class Usage extends Error {}
