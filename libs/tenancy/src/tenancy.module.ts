/** Wires tenancy and answers the platform's question who a credential belongs to. */
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { PrincipalSource } from '#platform';
import { AddMemberHandler } from './add-member.js';
import { Credentials } from './credentials.js';
import { IssueCredentialHandler } from './issue-credential.js';
import { Members } from './members.js';
import { OidcTokens } from './oidc-tokens.js';
import { ForeignTokens, Principals } from './principals.js';
import { RevokeCredentialHandler } from './revoke-credential.js';
import { TenancyController } from './tenancy.controller.js';
import { Tenants } from './tenants.js';

@Module({
  imports: [CqrsModule],
  controllers: [TenancyController],
  providers: [
    Tenants,
    Members,
    Credentials,
    Principals,
    { provide: PrincipalSource, useExisting: Principals },
    { provide: ForeignTokens, useClass: OidcTokens },
    AddMemberHandler,
    IssueCredentialHandler,
    RevokeCredentialHandler,
  ],
  exports: [Tenants, Members, PrincipalSource],
})
export class TenancyModule {}
