/** Wires tenancy and answers the platform's question who a credential belongs to. */
import { Module, type OnModuleInit } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { Subscriptions } from '#ledger';
import { PrincipalSource } from '#platform';
import { AddMemberHandler } from './add-member.js';
import { ChangeMember } from './change-member.js';
import { ChangeSetting } from './change-setting.js';
import { Confirm } from './confirm.js';
import { ControlsController } from './controls.controller.js';
import { Credentials } from './credentials.js';
import { IssueCredentialHandler } from './issue-credential.js';
import { MemberMarks } from './member-marks.js';
import { Members } from './members.js';
import { OidcTokens } from './oidc-tokens.js';
import { ForeignTokens, Principals } from './principals.js';
import { RevokeCredentialHandler } from './revoke-credential.js';
import { RefusalsProjection, SearchRefusals } from './search-refusals.js';
import { Settings } from './settings.js';
import { TenancyController } from './tenancy.controller.js';
import { Tenants } from './tenants.js';
import { WaitingChanges } from './waiting-changes.js';

@Module({
  imports: [CqrsModule],
  controllers: [TenancyController, ControlsController],
  providers: [
    Tenants,
    Members,
    MemberMarks,
    Settings,
    ChangeMember,
    ChangeSetting,
    WaitingChanges,
    Confirm,
    SearchRefusals,
    Credentials,
    Principals,
    { provide: PrincipalSource, useExisting: Principals },
    { provide: ForeignTokens, useClass: OidcTokens },
    AddMemberHandler,
    IssueCredentialHandler,
    RevokeCredentialHandler,
  ],
  exports: [Tenants, Members, MemberMarks, Settings, PrincipalSource],
})
export class TenancyModule implements OnModuleInit {
  constructor(private readonly subscriptions: Subscriptions) {}

  onModuleInit(): void {
    this.subscriptions.project(new RefusalsProjection());
  }
}
