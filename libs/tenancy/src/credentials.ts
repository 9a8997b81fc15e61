/** The list of keys and tokens: label, scopes, expiry and last use; never the secret. */
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { TenantId } from '#kernel';
import { Database } from '#ledger';

const CredentialView = z
  .strictObject({
    id: z.string(),
    kind: z.enum(['personal', 'system']),
    memberId: z.uuid().nullable(),
    label: z.string(),
    scopes: z.array(z.string()),
    expiresAt: z.iso.datetime().nullable(),
    lastUsedAt: z.iso.datetime().nullable(),
    revokedAt: z.iso.datetime().nullable(),
    /** A second human has vouched for it; without it a personal token approves nothing. */
    confirmed: z.boolean(),
  })
  .meta({ id: 'Credential' });

/** A page of credentials. */
export const CredentialList = z
  .strictObject({ items: z.array(CredentialView), next: z.null() })
  .meta({ id: 'CredentialList' });

interface Row {
  id: string;
  kind: 'personal' | 'system';
  member: string | null;
  label: string;
  scopes: string[];
  expires_at: Date | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
  vouched_by: string | null;
}

@Injectable()
export class Credentials {
  constructor(private readonly database: Database) {}

  async list(tenant: TenantId): Promise<z.infer<typeof CredentialList>> {
    const { rows } = await this.database.fetch<Row>(tenant, {
      name: 'credentials',
      // A token ends with its member.
      text: `SELECT c.id, c.kind, c.member, c.label, c.scopes, c.expires_at, c.last_used_at, c.vouched_by,
                    COALESCE(c.revoked_at, m.removed_at) AS revoked_at
             FROM credential c LEFT JOIN member m ON m.tenant = c.tenant AND m.id = c.member
             WHERE c.tenant = $1 ORDER BY c.created_at, c.id`,
      values: [tenant],
    });
    const time = (value: Date | null): string | null => value?.toISOString() ?? null;
    return {
      items: rows.map((row) => ({
        id: row.id,
        kind: row.kind,
        memberId: row.member,
        label: row.label,
        scopes: row.scopes,
        expiresAt: time(row.expires_at),
        lastUsedAt: time(row.last_used_at),
        revokedAt: time(row.revoked_at),
        confirmed: row.vouched_by !== null,
      })),
      next: null,
    };
  }
}
