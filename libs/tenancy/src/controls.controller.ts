/** Routes of the controls over people: who vouches for whom, settings that weaken a rule, refused attempts. */
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Answers, Audited, By, Can, Caller } from '#platform';
import { ChangeSetting, ProposeSettingBody, SettingChangeView, SettingList } from './change-setting.js';
import { Confirm } from './confirm.js';
import { RefusalPage, SearchRefusals, SearchRefusalsBody } from './search-refusals.js';

const Confirmed = z.strictObject({ id: z.string(), confirmed: z.literal(true) }).meta({ id: 'Confirmed' });
const credentialId = z.string().regex(/^[0-9a-f]{16}$/);
const uuid = z.uuid();

@Controller('v1/admin')
export class ControlsController {
  constructor(
    private readonly confirm: Confirm,
    private readonly settings: ChangeSetting,
    private readonly refusals: SearchRefusals,
  ) {}

  @Post('members/:id/confirm')
  @Can('approve', 'Member')
  @Audited('member.confirm', 'change')
  @Answers(200, Confirmed)
  confirmMember(@By() by: Caller, @Param('id', { schema: uuid }) id: string): Promise<z.infer<typeof Confirmed>> {
    return this.confirm.member(by, id);
  }

  @Post('api-keys/:id/confirm')
  @Can('approve', 'ApiKey')
  @Audited('api-key.confirm', 'change')
  @Answers(200, Confirmed)
  confirmApiKey(
    @By() by: Caller,
    @Param('id', { schema: credentialId }) id: string,
  ): Promise<z.infer<typeof Confirmed>> {
    return this.confirm.credential(by, id);
  }

  @Get('settings')
  @Can('read', 'Tenant')
  @Audited('setting.list', 'exempt', 'rules of the tenant, no person')
  @Answers(200, SettingList)
  listSettings(@By() by: Caller): Promise<z.infer<typeof SettingList>> {
    return this.settings.list(by);
  }

  @Post('settings/changes')
  @Can('configure', 'Tenant')
  @Audited('setting.propose', 'change')
  @Answers(201, SettingChangeView)
  proposeSettingChange(
    @By() by: Caller,
    @Body({ schema: ProposeSettingBody }) body: z.infer<typeof ProposeSettingBody>,
  ): Promise<SettingChangeView> {
    return this.settings.propose(by, body);
  }

  @Post('settings/changes/:id/approve')
  @Can('approve', 'Tenant')
  @Audited('setting.approve', 'change')
  @Answers(200, SettingChangeView)
  approveSettingChange(@By() by: Caller, @Param('id', { schema: uuid }) id: string): Promise<SettingChangeView> {
    return this.settings.approve(by, id);
  }

  @Post('settings/changes/:id/cancel')
  @Can('operate', 'Tenant')
  @Audited('setting.cancel', 'change')
  @Answers(200, SettingChangeView)
  cancelSettingChange(@By() by: Caller, @Param('id', { schema: uuid }) id: string): Promise<SettingChangeView> {
    return this.settings.cancel(by, id);
  }

  @Post('refusals/search')
  @Can('read', 'Refusal')
  @Audited('refusal.search', 'exempt', 'pseudonyms of staff, codes and ids; no data subject')
  @Answers(200, RefusalPage)
  searchRefusals(
    @By() by: Caller,
    @Body({ schema: SearchRefusalsBody }) body: z.infer<typeof SearchRefusalsBody>,
  ): Promise<z.infer<typeof RefusalPage>> {
    return this.refusals.page(by, body);
  }
}
