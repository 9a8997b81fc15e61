/** Routes by which an admin declares systems that run no plugin. */
import { Body, Controller, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Answers, Audited, By, Caller, Can } from '#platform';
import { DeclareSystem } from './declare-system.js';
import { InboxBody, RemoteBody } from './declared-system.js';
import { RebindBody, RebindSystem } from './rebind-system.js';
import { RedeclareBody, RedeclareSystem } from './redeclare-system.js';

const connectionId = z.uuid();
const Declared = z.strictObject({ id: z.uuid(), status: z.string() }).meta({ id: 'DeclaredSystem' });

@Controller('v1/admin')
export class InboxAdminController {
  constructor(
    private readonly systems: DeclareSystem,
    private readonly bindings: RebindSystem,
    private readonly declarations: RedeclareSystem,
  ) {}

  @Post('inboxes')
  @Can('configure', 'Connection')
  @Audited('inbox.declare', 'change')
  @Answers(201, Declared)
  declareInbox(
    @By() by: Caller,
    @Body({ schema: InboxBody }) body: z.infer<typeof InboxBody>,
  ): Promise<z.infer<typeof Declared>> {
    return this.systems.inbox(by, body);
  }

  @Post('remotes')
  @Can('configure', 'Connection')
  @Audited('remote.declare', 'change')
  @Answers(201, Declared)
  declareRemote(
    @By() by: Caller,
    @Body({ schema: RemoteBody }) body: z.infer<typeof RemoteBody>,
  ): Promise<z.infer<typeof Declared>> {
    return this.systems.remote(by, body);
  }

  @Post('connections/:id/rebind')
  @Can('configure', 'Connection')
  @Audited('connection.rebind', 'change')
  @Answers(200, Declared)
  rebindConnection(
    @By() by: Caller,
    @Param('id', { schema: connectionId }) id: string,
    @Body({ schema: RebindBody }) body: z.infer<typeof RebindBody>,
  ): Promise<z.infer<typeof Declared>> {
    return this.bindings.rebind(by, id, body);
  }

  @Post('connections/:id/redeclare')
  @Can('configure', 'Connection')
  @Audited('connection.redeclare', 'change')
  @Answers(200, Declared)
  redeclareConnection(
    @By() by: Caller,
    @Param('id', { schema: connectionId }) id: string,
    @Body({ schema: RedeclareBody }) body: z.infer<typeof RedeclareBody>,
  ): Promise<z.infer<typeof Declared>> {
    return this.declarations.redeclare(by, id, body);
  }
}
