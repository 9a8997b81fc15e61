/** Routes of subjects: who is known by these identifiers, links between subjects, and what must not come back. */
import { Body, Controller, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { Answers, Audited, By, Can, Caller, Instant } from '#platform';
import { LinkedSubjects, LinkSubjects, LinkSubjectsBody } from './link-subjects.js';
import { FoundSubjects, FindSubjects, FindSubjectsBody } from './find-subjects.js';
import { Suppressions } from './suppressions.js';
import { UnlinkedSubjects, UnlinkSubjects, UnlinkSubjectsBody } from './unlink-subjects.js';

const question = z.strictObject({
  ref: z.string().max(100).optional(),
  identifier: z.strictObject({ type: z.string(), value: z.string() }),
  purpose: z.string().max(100).optional(),
  connection: z.string().max(100).optional(),
  dataFrom: Instant,
});
const CheckSuppressionsBody = z
  .strictObject({ items: z.array(question).min(1).max(500) })
  .meta({ id: 'CheckSuppressions' });
const CheckedSuppressions = z
  .strictObject({ items: z.array(z.strictObject({ ref: z.string().nullable(), suppressed: z.boolean() })) })
  .meta({ id: 'CheckedSuppressions' });

@Controller('v1')
export class SubjectsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly finder: FindSubjects,
    private readonly suppressions: Suppressions,
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
  async checkSuppressions(
    @By() by: Caller,
    @Body({ schema: CheckSuppressionsBody }) body: z.infer<typeof CheckSuppressionsBody>,
  ): Promise<z.infer<typeof CheckedSuppressions>> {
    const questions = body.items.map(({ identifier, purpose, connection, dataFrom }) => ({
      identifier,
      dataFrom: new Date(dataFrom),
      ...(purpose === undefined ? {} : { purpose }),
      ...(connection === undefined ? {} : { connection }),
    }));
    const suppressed = await this.suppressions.check(by.tenant, questions);
    return {
      items: body.items.map(({ ref }, index) => ({ ref: ref ?? null, suppressed: suppressed[index] ?? false })),
    };
  }
}
