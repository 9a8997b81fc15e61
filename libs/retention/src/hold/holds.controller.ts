/** Routes of holds. */
import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Clock } from '#kernel';
import { Answers, Audited, By, Caller, Can, CLOCK } from '#platform';
import { HoldBody, PlacedHold } from './hold.js';
import { HoldList, HoldQuery, ListHolds } from './list-holds.js';
import { PlaceHold } from './place-hold.js';
import { ReleasedHold, ReleaseHold, ReleaseHoldBody } from './release-hold.js';

const holdId = z.uuid();

@Controller('v1/holds')
export class HoldsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly holds: ListHolds,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Post()
  @Can('open', 'Hold')
  @Audited('hold.place', 'change')
  @Answers(201, PlacedHold)
  placeHold(
    @By() by: Caller,
    @Body({ schema: HoldBody }) body: z.infer<typeof HoldBody>,
  ): Promise<z.infer<typeof PlacedHold>> {
    return this.commands.execute(new PlaceHold(by, body, this.clock.now()));
  }

  @Get()
  @Can('read', 'Hold')
  @Audited('hold.list', 'read')
  @Answers(200, HoldList)
  listHolds(
    @By() by: Caller,
    @Query({ schema: HoldQuery }) query: z.infer<typeof HoldQuery>,
  ): Promise<z.infer<typeof HoldList>> {
    return this.holds.list(by, query);
  }

  @Post(':id/release')
  @Can('approve', 'Hold')
  @Audited('hold.release', 'change')
  @Answers(200, ReleasedHold)
  releaseHold(
    @By() by: Caller,
    @Param('id', { schema: holdId }) id: string,
    @Body({ schema: ReleaseHoldBody }) body: z.infer<typeof ReleaseHoldBody>,
  ): Promise<z.infer<typeof ReleasedHold>> {
    return this.commands.execute(new ReleaseHold(by, id, body.reason, this.clock.now()));
  }
}
