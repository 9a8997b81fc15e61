/** Routes of the officer: what a decision has become in the systems, and what is owed. */
import { Body, Controller, Get, Header, Param, Post, Query } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import { z } from 'zod';
import type { SubjectId } from '#kernel';
import { Answers, Audited, By, Can, Caller } from '#platform';
import { LateList, OwedList, OwedQuery, SettleBody, Settled } from './late-list.js';
import { propagationPage } from './propagation-page.js';
import { PropagationReport, PropagationReports } from './propagation-report.js';
import { SystemId } from '../system.js';

/** A position in the ledger, or the id of a consent record. */
const DecisionId = z.union(
  [z.string().regex(/^\d{1,15}$/), z.uuid()],
  'A position in the ledger, or the id of a consent record.',
);
const position = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);
const Page = z.string().meta({ id: 'PropagationPage' });

@Controller('v1/propagations')
export class PropagationsController {
  constructor(
    private readonly reports: PropagationReports,
    private readonly owed: LateList,
  ) {}

  @Get()
  @Can('read', 'Propagation')
  @Audited('propagation.list', 'exempt', 'names systems and positions, no person')
  @Answers(200, OwedList)
  listPropagations(
    @By() by: Caller,
    @Query({ schema: OwedQuery }) query: z.infer<typeof OwedQuery>,
  ): Promise<z.infer<typeof OwedList>> {
    return this.owed.page(by, query);
  }

  @Get(':id')
  @Can('read', 'Propagation')
  @Audited('propagation.read', 'read')
  @Answers(200, PropagationReport)
  async readPropagation(
    @By() by: Caller,
    @Param('id', { schema: DecisionId }) id: string,
  ): Promise<z.infer<typeof PropagationReport>> {
    const report = await this.reports.report(by.tenant, id);
    by.saw(report.subjectId as SubjectId, 'consents');
    return report;
  }

  @Get(':id/page')
  @Can('read', 'Propagation')
  @Audited('propagation.print', 'read')
  @ApiProduces('text/html')
  @Header('content-type', 'text/html; charset=utf-8')
  @Answers(200, Page)
  async printPropagation(@By() by: Caller, @Param('id', { schema: DecisionId }) id: string): Promise<string> {
    return propagationPage(await this.readPropagation(by, id));
  }

  @Post(':position/systems/:systemId/settle')
  @Can('operate', 'Propagation')
  @Audited('propagation.settle', 'change')
  @Answers(200, Settled)
  settlePropagation(
    @By() by: Caller,
    @Param('position', { schema: position }) at: number,
    @Param('systemId', { schema: SystemId }) systemId: string,
    @Body({ schema: SettleBody }) body: z.infer<typeof SettleBody>,
  ): Promise<z.infer<typeof Settled>> {
    return this.owed.settle(by, at, systemId, body.proof);
  }
}
