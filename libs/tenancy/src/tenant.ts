/** Events of tenancy. Every administrative change is a fact with before, after and who. */
import type { TenantId } from '#kernel';
import { declareEvents } from '#ledger';

/** Stream of a tenant's own administration. */
export const tenantStream = 'tenant';
/** Stream of one member. */
export const memberStream = (id: string): string => `member/${id}`;
/** Stream of one credential. */
export const credentialStream = (id: string): string => `credential/${id}`;

/** Who acts at the machine before anybody has a key. No member bears this id: theirs are UUIDs. */
export const INSTALLER = 'bootstrap';

declareEvents(
  'TenantCreated.v1',
  'MemberAdded.v1',
  'MemberChanged.v1',
  'MemberRemoved.v1',
  'CredentialIssued.v1',
  'CredentialRevoked.v1',
  'SettingChanged.v1',
  'MemberMarked.v1',
  'MemberConfirmed.v1',
  'CredentialConfirmed.v1',
  'SettingChangeProposed.v1',
  'SettingChangeApproved.v1',
  'SettingChangeCancelled.v1',
);

/** A tenant as routes and workers need it. */
export interface Tenant {
  id: TenantId;
  name: string;
  mode: 'test' | 'live';
  /** ISO 3166-2 of the controller's place; picks the holiday calendar. */
  territory: string | null;
  /** IANA zone; a receipt's date is taken in it. */
  timeZone: string;
  logId: string;
}
