/** Routes of tenancy: who am I, members, keys. */
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { Answers, Audited, By, Can, Caller } from '#platform';
import { AddMember, AddMemberBody } from './add-member.js';
import { ChangedMember, ChangeMember, ChangeMemberBody, RemovedMember } from './change-member.js';
import { CredentialList, Credentials } from './credentials.js';
import { IssueCredential, IssueCredentialBody, IssuedCredential } from './issue-credential.js';
import { Members } from './members.js';
import { RevokeCredential } from './revoke-credential.js';
import { Tenants } from './tenants.js';

const WhoAmI = z
  .strictObject({
    tenant: z.strictObject({
      id: z.uuid(),
      name: z.string(),
      mode: z.enum(['test', 'live']),
      territory: z.string().nullable(),
      timeZone: z.string(),
    }),
    principal: z.strictObject({
      kind: z.string(),
      id: z.string(),
      roles: z.array(z.string()),
      scopes: z.array(z.string()),
    }),
  })
  .meta({ id: 'WhoAmI' });
const MemberView = z
  .strictObject({
    id: z.uuid(),
    label: z.string(),
    roles: z.array(z.string()),
    addedAt: z.iso.datetime(),
    /** A second human has vouched for it: until then it approves nothing. */
    confirmed: z.boolean(),
  })
  .meta({ id: 'Member' });
const MemberList = z.strictObject({ items: z.array(MemberView), next: z.null() }).meta({ id: 'MemberList' });
const Revoked = z.strictObject({ id: z.string(), revoked: z.literal(true) }).meta({ id: 'RevokedCredential' });
const memberId = z.uuid();
const credentialId = z.string().regex(/^[0-9a-f]{16}$/);

@Controller('v1')
export class TenancyController {
  constructor(
    private readonly commands: CommandBus,
    private readonly tenants: Tenants,
    private readonly members: Members,
    private readonly credentials: Credentials,
    private readonly changes: ChangeMember,
  ) {}

  @Get('whoami')
  @Can('read', 'Self')
  @Audited('whoami', 'exempt', "tells the caller about the caller's own credential")
  @Answers(200, WhoAmI)
  async whoami(@By() by: Caller): Promise<z.infer<typeof WhoAmI>> {
    const { id, name, mode, territory, timeZone } = await this.tenants.get(by.tenant);
    const { kind, roles, scopes } = by.principal;
    return { tenant: { id, name, mode, territory, timeZone }, principal: { kind, id: by.principal.id, roles, scopes } };
  }

  @Get('admin/api-keys')
  @Can('read', 'ApiKey')
  @Audited('api-key.list', 'exempt', 'holds no personal data of a subject')
  @Answers(200, CredentialList)
  listApiKeys(@By() by: Caller): Promise<z.infer<typeof CredentialList>> {
    return this.credentials.list(by.tenant);
  }

  @Post('admin/api-keys')
  @Can('configure', 'ApiKey')
  @Audited('api-key.issue', 'change')
  @Answers(201, IssuedCredential)
  issueApiKey(
    @By() by: Caller,
    @Body({ schema: IssueCredentialBody }) body: z.infer<typeof IssueCredentialBody>,
  ): Promise<z.infer<typeof IssuedCredential>> {
    return this.commands.execute(new IssueCredential(by, body, by.principal.mode));
  }

  @Post('admin/api-keys/:id/revoke')
  @Can('configure', 'ApiKey')
  @Audited('api-key.revoke', 'change')
  @Answers(200, Revoked)
  revokeApiKey(@By() by: Caller, @Param('id', { schema: credentialId }) id: string): Promise<z.infer<typeof Revoked>> {
    return this.commands.execute(new RevokeCredential(by, id));
  }

  @Get('admin/members')
  @Can('read', 'Member')
  @Audited('member.list', 'exempt', 'labels of staff, shown to staff who manage access')
  @Answers(200, MemberList)
  async listMembers(@By() by: Caller): Promise<z.infer<typeof MemberList>> {
    return { items: await this.members.list(by.tenant), next: null };
  }

  @Post('admin/members')
  @Can('configure', 'Member')
  @Audited('member.add', 'change')
  @Answers(201, MemberView)
  addMember(
    @By() by: Caller,
    @Body({ schema: AddMemberBody }) body: z.infer<typeof AddMemberBody>,
  ): Promise<z.infer<typeof MemberView>> {
    return this.commands.execute(new AddMember(by, body));
  }

  @Post('admin/members/:id/roles')
  @Can('configure', 'Member')
  @Audited('member.change', 'change')
  @Answers(200, ChangedMember)
  changeMemberRoles(
    @By() by: Caller,
    @Param('id', { schema: memberId }) id: string,
    @Body({ schema: ChangeMemberBody }) body: z.infer<typeof ChangeMemberBody>,
  ): Promise<ChangedMember> {
    return this.changes.roles(by, id, body.roles);
  }

  @Post('admin/members/:id/remove')
  @Can('configure', 'Member')
  @Audited('member.remove', 'change')
  @Answers(200, RemovedMember)
  removeMember(@By() by: Caller, @Param('id', { schema: memberId }) id: string): Promise<RemovedMember> {
    return this.changes.remove(by, id);
  }
}
