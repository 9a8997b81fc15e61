/** Routes of subjects: who is known by these identifiers, links between subjects, and what must not come back. */
import { Body, Controller, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { z } from 'zod';
import { Answers, Audited, By, Can, Caller } from '#platform';
import { LinkedSubjects, LinkSubjects, LinkSubjectsBody } from './link-subjects.js';
import { FoundSubjects, FindSubjects, FindSubjectsBody } from './find-subjects.js';
import { CheckedSuppressions, CheckSuppressionsBody, SuppressionsCheck } from './suppression/suppressions-check.js';
import { UnlinkedSubjects, UnlinkSubjects, UnlinkSubjectsBody } from './unlink-subjects.js';

@Controller('v1')
export class SubjectsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly finder: FindSubjects,
    private readonly suppressions: SuppressionsCheck,
  ) {}

  @Post('subjects/lookup')
  @Can('read', 'Subject')
  @Audited('subject.lookup', 'read')
  @Answers(200, FoundSubjects)
  lookup(
    @By() by: Caller,
    @Body({ schema: FindSubjectsBody }) body: z.infer<typeof FindSubjectsBody>,
  ): Promise<z.infer<typeof FoundSubjects>> {
    return this.finder.find(by, body);
  }

  @Post('subjects/link')
  @Can('link', 'Subject')
  @Audited('subject.link', 'change')
  @Answers(201, LinkedSubjects)
  link(
    @By() by: Caller,
    @Body({ schema: LinkSubjectsBody }) body: z.infer<typeof LinkSubjectsBody>,
  ): Promise<z.infer<typeof LinkedSubjects>> {
    return this.commands.execute(new LinkSubjects(by, body));
  }

  @Post('subjects/unlink')
  @Can('link', 'Subject')
  @Audited('subject.unlink', 'change')
  @Answers(200, UnlinkedSubjects)
  unlink(
    @By() by: Caller,
    @Body({ schema: UnlinkSubjectsBody }) body: z.infer<typeof UnlinkSubjectsBody>,
  ): Promise<z.infer<typeof UnlinkedSubjects>> {
    return this.commands.execute(new UnlinkSubjects(by, body));
  }

  @Post('suppressions/check')
  @Can('check', 'Suppression')
  @Audited('suppression.check', 'exempt', 'answers yes or no about identifiers the caller holds already')
  @Answers(200, CheckedSuppressions)
  checkSuppressions(
    @By() by: Caller,
    @Body({ schema: CheckSuppressionsBody }) body: z.infer<typeof CheckSuppressionsBody>,
  ): Promise<z.infer<typeof CheckedSuppressions>> {
    return this.suppressions.answer(by.tenant, body);
  }
}
