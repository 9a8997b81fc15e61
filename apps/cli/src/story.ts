/** What the chapters of the demonstration share: who calls, what was done already, what is printed, where files go. */
import { mkdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLetheClient, type LetheClient } from '@lethe/client';
import { writeOwnFile, type DemoFile } from '../../server/src/demo-file.js';
import type { Terminal } from './terminal.js';

/** Who acts. `archivist` is the third human: whoever ordered an erasure may not attest the work of others for it. */
export type Actor = keyof DemoFile['keys'];

type Kept = Record<string, unknown>;

/** The story as far as it was told: a chapter that was finished is not acted out again. */
export class Story {
  /** Where documents go. */
  readonly out: string;
  /** How much was acted out in this run. */
  acts = 0;
  private readonly kept: Kept;
  private readonly clients = new Map<Actor, LetheClient>();

  constructor(
    readonly demo: DemoFile,
    readonly folder: string,
    private readonly terminal: Terminal,
  ) {
    this.out = join(folder, 'out');
    mkdirSync(this.out, { recursive: true, mode: 0o700 });
    this.kept = read(this.keptPath);
  }

  /** A client that calls as somebody. */
  as(actor: Actor): LetheClient {
    const { baseUrl, keys } = this.demo;
    const known = this.clients.get(actor) ?? createLetheClient({ baseUrl, key: keys[actor] });
    this.clients.set(actor, known);
    return known;
  }

  /** What an earlier run kept under this name. */
  recall<T>(name: string): T | undefined {
    return this.kept[name] as T | undefined;
  }

  /** Does something once for ever; its result (ids and paths, no personal data) is kept. */
  async once<T>(name: string, act: () => Promise<T>): Promise<T> {
    if (name in this.kept) return this.kept[name] as T;
    this.acts += 1;
    const result = await act();
    this.kept[name] = result;
    await writeOwnFile(this.keptPath, `${JSON.stringify(this.kept, null, 2)}\n`);
    return result;
  }

  say(line = ''): void {
    this.terminal.say(line === '' ? '' : `   ${line}`);
  }

  /** Writes a document for its owner only and says where. */
  async document(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(this.out, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  }

  private get keptPath(): string {
    return join(this.folder, 'story.json');
  }
}

function read(path: string): Kept {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Kept;
  } catch {
    return {};
  }
}

/** Asks until the answer satisfies. Errors: says what was waited for. */
export async function until<T>(what: string, seconds: number, ask: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(150)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
  }
  throw new Error(`waited ${seconds} s for ${what}, in vain`);
}

/** A body that must be there. */
export function got<T>({ data }: { data?: T }): T {
  if (data === undefined) throw new Error('an answer came without a body');
  return data;
}
