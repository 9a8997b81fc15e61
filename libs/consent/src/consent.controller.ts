/** Routes of consent: define, record, check, look back, prove. */
import { Body, Controller, Get, Header, Param, Post, Put } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiProduces } from '@nestjs/swagger';
import { z } from 'zod';
import type { SubjectId } from '#kernel';
import { LogReader } from '#ledger';
import { abilityOf, Answers, Audited, By, Can, Caller } from '#platform';
import {
  CheckAnswer,
  CheckBatchAnswer,
  CheckBatchBody,
  CheckConsentBody,
  ConsentCheck,
  type ConsentAnswer,
} from './check-consent.js';
import { ConsentHistory, ConsentHistoryView, ConsentStates, Receipt } from './consent-history.js';
import { DefinePurpose } from './define-purpose.js';
import { PublishNotice } from './publish-notice.js';
import { NoticeBody, NoticeView, PurposeBody, PurposeId, PurposeView, type Notice, type Purpose } from './purpose.js';
import { Purposes } from './purposes.js';
import { ConsentRecordedAnswer, RecordConsentBody } from './consent-input.js';
import { RecordConsent } from './record-consent.js';

/** C2SP tlog-proof: the record's leaf is in the log, under a signed checkpoint. */
const ConsentProof = z.string().meta({ id: 'ConsentProof' });
const PurposeList = z.strictObject({ items: z.array(PurposeView), next: z.null() }).meta({ id: 'PurposeList' });

@Controller('v1')
export class ConsentController {
  constructor(
    private readonly commands: CommandBus,
    private readonly checks: ConsentCheck,
    private readonly consents: ConsentHistory,
    private readonly purposes: Purposes,
    private readonly proofs: LogReader,
  ) {}

  @Get('purposes')
  @Can('read', 'Purpose')
  @Audited('purpose.list', 'exempt', 'holds no personal data')
  @Answers(200, PurposeList)
  async listPurposes(@By() by: Caller): Promise<z.infer<typeof PurposeList>> {
    return { items: await this.purposes.all(by.tenant), next: null };
  }

  @Put('purposes/:id')
  @Can('configure', 'Purpose')
  @Audited('purpose.define', 'change')
  @Answers(200, PurposeView)
  definePurpose(
    @By() by: Caller,
    @Param('id', { schema: PurposeId }) id: string,
    @Body({ schema: PurposeBody }) body: z.infer<typeof PurposeBody>,
  ): Promise<Purpose> {
    return this.commands.execute(new DefinePurpose(by, id, body));
  }

  @Post('notices')
  @Can('configure', 'Notice')
  @Audited('notice.publish', 'change')
  @Answers(201, NoticeView)
  publishNotice(@By() by: Caller, @Body({ schema: NoticeBody }) body: z.infer<typeof NoticeBody>): Promise<Notice> {
    return this.commands.execute(new PublishNotice(by, body));
  }

  @Post('consents')
  @Can('record', 'Consent')
  @Audited('consent.record', 'change')
  @Answers(201, ConsentRecordedAnswer)
  recordConsent(
    @By() by: Caller,
    @Body({ schema: RecordConsentBody }) body: z.infer<typeof RecordConsentBody>,
  ): Promise<z.infer<typeof ConsentRecordedAnswer>> {
    const mayLink = by.hasScope('subjects:link') || by.principal.kind === 'human';
    return this.commands.execute(
      new RecordConsent(by, body, mayLink && abilityOf(by.principal).can('link', 'Subject')),
    );
  }

  @Post('consents/check')
  @Can('check', 'Consent')
  @Audited('consent.check', 'exempt', 'answers permit or deny for one purpose; the access that follows is logged')
  @Answers(200, CheckAnswer)
  checkConsent(
    @By() by: Caller,
    @Body({ schema: CheckConsentBody }) body: z.infer<typeof CheckConsentBody>,
  ): Promise<ConsentAnswer> {
    return this.checks.ask(by, body, mayExplain(by));
  }

  @Post('consents/check-batch')
  @Can('check', 'Consent')
  @Audited('consent.check-batch', 'exempt', 'answers permit or deny per item; the access that follows is logged')
  @Answers(200, CheckBatchAnswer)
  checkConsents(
    @By() by: Caller,
    @Body({ schema: CheckBatchBody }) body: z.infer<typeof CheckBatchBody>,
  ): Promise<z.infer<typeof CheckBatchAnswer>> {
    return this.checks.askAll(by, body, mayExplain(by));
  }

  @Get('subjects/:id/consents')
  @Can('read', 'Consent')
  @Audited('consent.read', 'read')
  @Answers(200, ConsentStates)
  async listConsents(
    @By() by: Caller,
    @Param('id', { schema: z.uuid() }) id: string,
  ): Promise<z.infer<typeof ConsentStates>> {
    const states = await this.consents.states(by.tenant, id as SubjectId);
    by.saw(id as SubjectId, 'consents');
    return states;
  }

  @Get('subjects/:id/consents/history')
  @Can('read', 'Consent')
  @Audited('consent.history', 'read')
  @Answers(200, ConsentHistoryView)
  async listConsentHistory(
    @By() by: Caller,
    @Param('id', { schema: z.uuid() }) id: string,
  ): Promise<z.infer<typeof ConsentHistoryView>> {
    const history = await this.consents.history(by.tenant, id as SubjectId);
    by.saw(id as SubjectId, 'consents');
    return history;
  }

  @Get('consents/:id/receipt')
  @Can('read', 'Consent')
  @Audited('consent.receipt', 'read')
  @Answers(200, Receipt)
  async getReceipt(@By() by: Caller, @Param('id', { schema: z.uuid() }) id: string): Promise<z.infer<typeof Receipt>> {
    const { subject, answer } = await this.consents.receipt(by.tenant, id);
    by.saw(subject, 'consents', 'evidence');
    return answer;
  }

  @Get('consents/:id/proof')
  @Can('read', 'Consent')
  @Audited('consent.proof', 'exempt', 'ledger bytes are sealed')
  @ApiProduces('text/plain')
  @Header('content-type', 'text/plain; charset=utf-8')
  @Answers(200, ConsentProof)
  async getConsentProof(@By() by: Caller, @Param('id', { schema: z.uuid() }) id: string): Promise<string> {
    const { position } = await this.consents.find(by.tenant, id);
    return this.proofs.proof(by.tenant, position);
  }
}

/** Only keys with the scope, and humans, learn why. */
function mayExplain(by: Caller): boolean {
  return by.principal.kind === 'human' || by.hasScope('consents:explain');
}
