/** Tasks a system may claim; waits a while for the first one, so that nobody has to ask every second. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import type { z } from 'zod';
import type { Clock } from '#kernel';
import { CLOCK, type Caller } from '#platform';
import { KeyBinding } from './system/key-binding.js';
import type { ConnectionTasks, TaskQuery } from './task-bodies.js';
import { Tasks } from './tasks.js';

/** One cheap read of a partial index; a new task is seen this much later at most. */
const LOOK_MS = 500;

@Injectable()
export class ListTasks implements BeforeApplicationShutdown {
  private readonly stopping = new AbortController();

  constructor(
    private readonly binding: KeyBinding,
    private readonly tasks: Tasks,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Whoever waits gets an empty answer, so that a stop takes no half minute. */
  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }

  async wait(by: Caller, query: z.infer<typeof TaskQuery>): Promise<z.infer<typeof ConnectionTasks>> {
    const until = performance.now() + query.wait * 1000;
    for (;;) {
      // The databases may be closed already for a caller that has gone.
      if (this.stopping.signal.aborted) return { items: [], next: null };
      // Looked up anew each time: a key that is bound to something else meanwhile sees nothing more.
      const connection = await this.binding.connection(by, query.connectionId);
      const rows = await this.tasks.claimable(by.tenant, connection.id, this.clock.now(), query.limit);
      const left = until - performance.now();
      if (rows.length > 0 || left <= 0)
        return {
          items: rows.map(({ id, kind, created_at, must_finish_by }) => ({
            ...{ id, kind },
            createdAt: created_at.toISOString(),
            mustFinishBy: must_finish_by.toISOString(),
          })),
          next: null,
        };
      await sleep(Math.min(LOOK_MS, left), undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }
}
