/** Route of the sources of the access log. */
import { Controller, Get } from '@nestjs/common';
import type { z } from 'zod';
import { Answers, Audited, By, Caller, Can } from '#platform';
import { AccessSources, SourceList } from './access-sources.js';

@Controller('v1/access-log')
export class AccessSourcesController {
  constructor(private readonly sources: AccessSources) {}

  @Get('sources')
  @Can('read', 'AccessLog')
  @Audited('access-log.sources', 'exempt', 'counts per source, no person')
  @Answers(200, SourceList)
  listAccessSources(@By() by: Caller): Promise<z.infer<typeof SourceList>> {
    return this.sources.list(by.tenant);
  }
}
