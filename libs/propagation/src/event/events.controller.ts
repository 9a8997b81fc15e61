/** Routes of events by cursor, and of the register of systems that must obey. */
import { Body, Controller, Get, Param, Post, Put, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Answers, Audited, By, Can, Caller } from '#platform';
import { AcknowledgeEvents } from './acknowledge-events.js';
import { ConsentSnapshot, Snapshot, SnapshotQuery } from './consent-snapshot.js';
import { EventFeed } from './event-feed.js';
import { AcknowledgeBody, Acknowledged, EventPage, EventQuery } from './event-view.js';
import { SystemBody, SystemId, SystemList, SystemView, viewOfSystem } from '../system.js';
import { Systems } from '../systems.js';

const PSEUDONYMS = 'holds decisions under the id the system was given, no identifier';

@Controller('v1')
export class EventsController {
  constructor(
    private readonly feed: EventFeed,
    private readonly acknowledgements: AcknowledgeEvents,
    private readonly snapshots: ConsentSnapshot,
    private readonly systems: Systems,
  ) {}

  @Get('events')
  @Can('read', 'Event')
  @Audited('event.read', 'exempt', PSEUDONYMS)
  @Answers(200, EventPage)
  readEvents(
    @By() by: Caller,
    @Query({ schema: EventQuery }) query: z.infer<typeof EventQuery>,
  ): Promise<z.infer<typeof EventPage>> {
    return this.feed.page(by, query);
  }

  @Get('events/snapshot')
  @Can('read', 'Event')
  @Audited('event.snapshot', 'exempt', PSEUDONYMS)
  @Answers(200, Snapshot)
  readConsentSnapshot(
    @By() by: Caller,
    @Query({ schema: SnapshotQuery }) query: z.infer<typeof SnapshotQuery>,
  ): Promise<z.infer<typeof Snapshot>> {
    return this.snapshots.page(by, query);
  }

  @Post('events/ack')
  @Can('record', 'Event')
  @Audited('event.acknowledge', 'change')
  @Answers(200, Acknowledged)
  acknowledgeEvents(
    @By() by: Caller,
    @Body({ schema: AcknowledgeBody }) body: z.infer<typeof AcknowledgeBody>,
  ): Promise<z.infer<typeof Acknowledged>> {
    return this.acknowledgements.acknowledge(by, body.cursor);
  }

  @Get('systems')
  @Can('read', 'System')
  @Audited('system.list', 'exempt', 'names systems, no person')
  @Answers(200, SystemList)
  async listObeyingSystems(@By() by: Caller): Promise<z.infer<typeof SystemList>> {
    return { items: (await this.systems.all(by.tenant)).map(viewOfSystem), next: null };
  }

  @Put('systems/:id')
  @Can('configure', 'System')
  @Audited('system.declare', 'change')
  @Answers(200, SystemView)
  async declareObeyingSystem(
    @By() by: Caller,
    @Param('id', { schema: SystemId }) id: string,
    @Body({ schema: SystemBody }) body: z.infer<typeof SystemBody>,
  ): Promise<z.infer<typeof SystemView>> {
    return viewOfSystem(await this.systems.declare(by, id, body));
  }
}
