/** Publishes a version of a notice. A published version never changes: records are pinned to its content hash. */
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { z } from 'zod';
import { conflict, type Clock } from '#kernel';
import { EventStore } from '#ledger';
import { CLOCK, type Caller } from '#platform';
import { purposeUnknown } from './consent.errors.js';
import { contentHash, noticeStream, type Notice, type NoticeBody } from './purpose.js';
import { Purposes } from './purposes.js';

export class PublishNotice extends Command<Notice> {
  constructor(
    readonly by: Caller,
    readonly body: z.infer<typeof NoticeBody>,
  ) {
    super();
  }
}

@CommandHandler(PublishNotice)
export class PublishNoticeHandler implements ICommandHandler<PublishNotice> {
  constructor(
    private readonly store: EventStore,
    private readonly purposes: Purposes,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ by, body }: PublishNotice): Promise<Notice> {
    const { id, version, language, text, purposes } = body;
    const hash = contentHash(text);
    const notice: Notice = { id, version, language, purposes, hash };
    const published = await this.purposes.notice(by.tenant, id, version);
    if (published) {
      if (published.hash === hash && published.purposes.join() === purposes.join()) return published;
      throw conflict(
        'notice-version-published',
        'This version is published with another text or other purposes. Publish a new version.',
      );
    }
    for (const [index, purpose] of purposes.entries()) {
      if (!(await this.purposes.find(by.tenant, purpose))) throw purposeUnknown(`/purposes/${index}`);
    }
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [{ stream: noticeStream(id, version), type: 'NoticePublished.v1', data: { ...notice } }],
      expect: { [noticeStream(id, version)]: 0 },
      side: async (query) => {
        await query({
          text: 'INSERT INTO notice (tenant, id, version, language, text, purposes, hash, published_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)',
          values: [by.tenant, id, version, language, text, purposes, hash, this.clock.now()],
        });
      },
    });
    return notice;
  }
}
