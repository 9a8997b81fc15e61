/** The door of tenancy: tenants, members, credentials. */
export { Members, type Member } from './members.js';
export { oidcSubject } from './oidc-issuers.js';
export { newCredential, parseCredential } from './credential.js';
export { IssueCredential } from './issue-credential.js';
export { credentialStream, type Tenant } from './tenant.js';
export { Tenants, type NewTenant } from './tenants.js';
export { TenancyModule } from './tenancy.module.js';
export { tenancyMigrations } from './tenancy.migrations.js';
