/** Mail over SMTP: once per key, with proof of sending in the ledger, and never an address in a log, an error or an event. */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock, TenantId } from '#kernel';
import { EventStore, VersionConflict, type NewEvent } from '#ledger';
import { CLOCK, CONFIG, type Config } from '#platform';
import { Mailer } from '#requests';
import {
  mailBegun,
  mailDeferred,
  mailRefused as refusedFact,
  mailSent,
  mailState,
  mailStream,
  messageIdOf,
} from './mail.js';
import { mailBeingSent, mailNotSent, mailRefused, mailUnavailable } from './notifications.errors.js';
import { domainOf, PATIENCE_MS, transmit } from './transmit-mail.js';

type Mail = Parameters<Mailer['send']>[0];

/** An attempt that has not ended after this long belongs to a process that died. */
const ABANDONED_MS = PATIENCE_MS + 2000;
const ACTOR = 'system:notifications';

/**
 * SMTP has no transaction with us: between the server's "250" and our own record a crash is possible. Then the mail goes out
 * again, under the same Message-ID; in every other case a repeated key sends nothing.
 */
@Injectable()
export class SmtpMailer extends Mailer {
  constructor(
    private readonly store: EventStore,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super();
  }

  /** Errors: 503 `mail-unavailable`, `mail-not-sent`, `mail-being-sent`; 422 `mail-refused`. */
  async send(mail: Mail): Promise<void> {
    const { LETHE_SMTP_URL: url, LETHE_MAIL_FROM: from } = this.config;
    if (url === undefined) throw mailUnavailable();
    const { tenant, key } = mail;
    const version = await this.begin(mail);
    if (version === undefined) return;
    const messageId = messageIdOf(tenant, key, domainOf(from));
    const outcome = await transmit(url, { ...mail, from, messageId });
    switch (outcome.kind) {
      case 'sent':
        return this.append(tenant, mailSent(key, messageId, outcome.reply), version);
      case 'refused':
        await this.append(tenant, refusedFact(key, outcome.reply), version);
        throw mailRefused();
      case 'later':
        await this.append(tenant, mailDeferred(key), version);
        throw mailNotSent();
    }
  }

  /** Claims the key. Undefined when the mail went out before; the stream's version otherwise. */
  private async begin({ tenant, key }: Mail): Promise<number | undefined> {
    const state = mailState(await this.store.load(tenant, mailStream(key)));
    if (state.kind === 'sent') return undefined;
    if (state.kind === 'refused') throw mailRefused();
    // Both ways: an attempt that a fast clock dated ahead would hold the mail back until then.
    const busy = state.kind === 'begun' && Math.abs(this.clock.now().getTime() - state.at.getTime()) < ABANDONED_MS;
    if (busy) throw mailBeingSent();
    await this.append(tenant, mailBegun(key), state.version);
    return state.version + 1;
  }

  private async append(tenant: TenantId, event: NewEvent, version: number): Promise<void> {
    try {
      await this.store.append({ tenant, actorRef: ACTOR, events: [event], expect: { [event.stream]: version } });
    } catch (error) {
      throw error instanceof VersionConflict ? mailBeingSent() : error;
    }
  }
}
