/** Answers that were written: the list, and each as the text that was mailed or the letter to print. */
import { Body, Controller, Get, Header, Param, Post, Query, Res } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import { z } from 'zod';
import { notFound, type SubjectId } from '#kernel';
import { Answers, Audited, By, Caller, Can } from '#platform';
import { AnswerByHand, WriteAnswerBody, WrittenAnswer } from './answer-by-hand.js';
import { PAGE_HEADERS, renderHtml, renderText, type Letter } from './answer-letter.js';
import { answerPlace, type AnswerContent } from './answer-writer.js';
import { CaseFile } from '../case-file.js';
import type { RequestState } from '../request-state.js';
import type { AnswerKind } from '../request.js';
import { Requests } from '../requests.js';

const AnswerList = z
  .strictObject({
    items: z.array(
      z.strictObject({
        n: z.number().int(),
        id: z.uuid(),
        kind: z.string(),
        channel: z.enum(['mail', 'letter']),
        subject: z.string(),
        writtenAt: z.iso.datetime(),
      }),
    ),
    next: z.null(),
  })
  .meta({ id: 'AnswerList' });

const AnswerForm = z.strictObject({ format: z.enum(['html', 'text']).optional() });
const KINDS = [
  'acknowledgement',
  'identity-question',
  'extension',
  'refusal',
  'partial-refusal',
  'completion',
  'withdrawn',
] as const satisfies AnswerKind[];
const PreviewChoice = z.strictObject({
  kind: z.enum(KINDS),
  format: z.enum(['html', 'text']).default('html'),
});

/** What of a reply this route sets. */
interface Reply {
  headers(values: Record<string, string>): unknown;
}

@Controller('v1/requests/:id/answers')
export class AnswersController {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    private readonly byHand: AnswerByHand,
  ) {}

  @Post()
  @Can('decide', 'Request')
  @Audited('request.write-answer', 'change')
  @Answers(201, WrittenAnswer)
  writeAnswer(
    @By() by: Caller,
    @Param('id', { schema: z.uuid() }) id: string,
    @Body({ schema: WriteAnswerBody }) body: z.infer<typeof WriteAnswerBody>,
  ): Promise<z.infer<typeof WrittenAnswer>> {
    return this.byHand.write(by, id, body);
  }

  @Get()
  @Can('read', 'Request')
  @Audited('request.answers', 'read')
  @Answers(200, AnswerList)
  async listAnswers(
    @By() by: Caller,
    @Param('id', { schema: z.uuid() }) id: string,
  ): Promise<z.infer<typeof AnswerList>> {
    const state = await this.requests.load(by.tenant, id);
    by.saw(state.subjectId as SubjectId, 'answers');
    const items = await Promise.all(
      state.answers.map(async ({ answerId, kind, channel }, at) => {
        const { letter, writtenAt } = await this.content(by, state, at + 1);
        return { n: at + 1, id: answerId, kind, channel, subject: letter.subject, writtenAt };
      }),
    );
    return { items, next: null };
  }

  /** What would be written now; nothing is kept or sent. */
  @Get('preview')
  @Can('read', 'Request')
  @Audited('request.preview-answer', 'read')
  @Answers(200, z.string())
  @ApiProduces('text/html', 'text/plain')
  @Header('cache-control', 'no-store')
  async previewAnswer(
    @By() by: Caller,
    @Param('id', { schema: z.uuid() }) id: string,
    @Query({ schema: PreviewChoice }) { kind, format }: z.infer<typeof PreviewChoice>,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<string> {
    const letter = await this.byHand.preview(by.tenant, id, kind);
    by.saw((await this.requests.load(by.tenant, id)).subjectId as SubjectId, 'answers');
    return rendered(letter, format, reply);
  }

  /** Text by default for a mail, a page to print for a letter. */
  @Get(':n')
  @Can('read', 'Request')
  @Audited('request.answer', 'read')
  @Answers(200, z.string())
  @ApiProduces('text/html', 'text/plain')
  @Header('cache-control', 'no-store')
  async getAnswer(
    @By() by: Caller,
    @Param('id', { schema: z.uuid() }) id: string,
    @Param('n', { schema: z.coerce.number().int().min(1).max(1000) }) n: number,
    @Query({ schema: AnswerForm }) { format }: z.infer<typeof AnswerForm>,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<string> {
    const state = await this.requests.load(by.tenant, id);
    const { letter } = await this.content(by, state, n);
    by.saw(state.subjectId as SubjectId, 'answers');
    return rendered(letter, format ?? (state.answers[n - 1]?.channel === 'mail' ? 'text' : 'html'), reply);
  }

  private content(by: Caller, state: RequestState, n: number): Promise<AnswerContent> {
    const answer = state.answers[n - 1];
    if (!answer) throw notFound('answer');
    return this.file.open<AnswerContent>(by.tenant, answer.content, answerPlace(state.id, answer.answerId));
  }
}

function rendered(letter: Letter, format: 'html' | 'text', reply: Reply): string {
  if (format === 'text') {
    reply.headers({ 'content-type': 'text/plain; charset=utf-8' });
    return renderText(letter);
  }
  reply.headers(PAGE_HEADERS);
  return renderHtml(letter);
}
