/** Read-your-writes tokens: an answer must not be older than the token the caller brings. */
import { Injectable } from '@nestjs/common';
import { conflict, DomainError } from '#kernel';
import { EventStore } from '#ledger';
import type { Caller } from '#platform';
import { ConsentFeed } from './consent-feed.js';

const TOKEN_WAIT_MS = 2000;

@Injectable()
export class ReadPosition {
  private readonly logs = new Map<string, { logId: string; epoch: number }>();

  constructor(
    private readonly store: EventStore,
    private readonly feed: ConsentFeed,
  ) {}

  /** True when the caller must read the database itself; waits up to two seconds for a head that is not there yet. */
  async reach(by: Caller, token: string): Promise<boolean> {
    const position = await this.positionOf(by, token);
    if (this.feed.applied(by.tenant) >= position) return false;
    const until = Date.now() + TOKEN_WAIT_MS;
    while ((await this.store.head(by.tenant)).size <= position) {
      if (Date.now() > until)
        throw conflict('position-not-reached', {
          detail: 'The log has not reached this token. Repeat shortly.',
          retryable: true,
          retryAfter: 1,
        });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return true;
  }

  /** Token of what the answer has seen: what this replica has applied, and never less than the caller's own. */
  async token(by: Caller, brought?: string): Promise<string> {
    const { logId, epoch } = await this.log(by);
    const applied = this.feed.applied(by.tenant);
    const known = applied < 0 ? (await this.store.head(by.tenant)).size - 1 : applied;
    const least = brought === undefined ? -1 : await this.positionOf(by, brought);
    return `${logId}.${epoch}.${Math.max(known, least)}`;
  }

  private async positionOf(by: Caller, token: string): Promise<number> {
    const { logId, epoch } = await this.log(by);
    const match = /^(.+)\.(\d+)\.(\d{1,15})$/.exec(token);
    if (!match || match[1] !== logId || Number(match[2]) !== epoch) {
      throw new DomainError(
        400,
        'token-invalid',
        'This token was not given out by this log. Send the one of your last write.',
      );
    }
    return Number(match[3]);
  }

  private async log(by: Caller): Promise<{ logId: string; epoch: number }> {
    const known = this.logs.get(by.tenant);
    if (known) return known;
    const { logId, epoch } = await this.store.head(by.tenant);
    this.logs.set(by.tenant, { logId, epoch });
    return { logId, epoch };
  }
}
