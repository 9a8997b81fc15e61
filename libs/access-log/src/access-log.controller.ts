/** Routes of the access log. */
import { Body, Controller, Inject, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Clock, SubjectId } from '#kernel';
import { Answers, Audited, By, Caller, Can, CLOCK } from '#platform';
import { People, Subjects } from '#subjects';
import { AccessesReported, ReportAccesses, ReportAccessesBody } from './report-accesses.js';
import { AccessPage, AccessSearch, SearchAccessesBody } from './search-accesses.js';

@Controller('v1/access-log')
export class AccessLogController {
  constructor(
    private readonly commands: CommandBus,
    private readonly accesses: AccessSearch,
    private readonly subjects: Subjects,
    private readonly known: People,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Post('entries')
  @Can('record', 'AccessLog')
  @Audited('access-log.report', 'change')
  @Answers(201, AccessesReported)
  reportAccesses(
    @By() by: Caller,
    @Body({ schema: ReportAccessesBody }) body: z.infer<typeof ReportAccessesBody>,
  ): Promise<z.infer<typeof AccessesReported>> {
    return this.commands.execute(new ReportAccesses(by, body.entries, this.clock.now()));
  }

  @Post('search')
  @Can('read', 'AccessLog')
  @Audited('access-log.search', 'read')
  @Answers(200, AccessPage)
  async searchAccesses(
    @By() by: Caller,
    @Body({ schema: SearchAccessesBody }) body: z.infer<typeof SearchAccessesBody>,
  ): Promise<z.infer<typeof AccessPage>> {
    const page = await this.accesses.search(by, body, await this.people(by, body));
    for (const item of page.items) by.saw(item.subjectId as SubjectId, 'accesses');
    return page;
  }

  private async people(by: Caller, body: z.infer<typeof SearchAccessesBody>): Promise<SubjectId[] | undefined> {
    const named = body.subjectId === undefined ? undefined : [body.subjectId as SubjectId];
    const found = named ?? (body.subject && (await this.subjects.lookup(by.tenant, body.subject.identifiers)));
    if (!found) return undefined;
    // What was reported before two subjects were linked stands under the one it was reported for.
    const aliases = await Promise.all(found.map((subject) => this.known.aliasesOf(by.tenant, subject)));
    return aliases.flat();
  }
}
