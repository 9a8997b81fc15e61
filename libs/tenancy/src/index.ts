/** The door of tenancy: tenants, members, credentials. */
export { auditMembers } from './audit-members.js';
export { Members, type Member } from './members.js';
export { oidcSubject } from './oidc-issuers.js';
export { newCredential, parseCredential } from './credential.js';
export { IssueCredential } from './issue-credential.js';
export { credentialStream, INSTALLER, type Tenant } from './tenant.js';
export { memberRef } from './actor-ref.js';
export { MemberMarks } from './member-marks.js';
export { ownCase } from './tenancy.errors.js';
export { Settings } from './settings.js';
export { Tenants, type NewTenant } from './tenants.js';
export { eachTenant } from './each-tenant.js';
export { TenancyModule } from './tenancy.module.js';
export { tenancyMigrations } from './tenancy.migrations.js';
