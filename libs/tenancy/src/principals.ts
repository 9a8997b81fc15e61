/** Answers "who holds this credential?" for the platform, with a short cache so that a check costs no query. */
import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '#kernel';
import { Database } from '#ledger';
import { CLOCK, KeyProvider, PrincipalSource, type Principal, type Role } from '#platform';
import { actorRefOf, memberRef } from './actor-ref.js';
import { MemberMarks } from './member-marks.js';
import { parseCredential, secretMatches, type CredentialText } from './credential.js';

/** Port for tokens that are no Lethe credential (OIDC). */
export abstract class ForeignTokens {
  abstract authenticate(token: string): Promise<Principal | undefined>;
}

interface CredentialRow {
  kind: 'personal' | 'system';
  member: string | null;
  secret_hash: Buffer;
  scopes: string[];
  expires_at: Date | null;
  revoked_at: Date | null;
  roles: Role[] | null;
  removed_at: Date | null;
  mode: 'test' | 'live';
  /** Both the token and its member are vouched for. */
  vouched: boolean;
}

/**
 * How long a verified credential is trusted without looking again: the longest a revocation takes on another replica.
 * Monotonic, since a clock that is set back must not prolong it.
 */
const TRUST_MS = 2000;
/** How often the time of last use is written. */
const LAST_USE_MS = 60_000;

@Injectable()
export class Principals extends PrincipalSource {
  /** Those whose trust has ended stay as acquaintances: worth a look-up when strangers are not. */
  private readonly trusted = new Map<string, { principal: Principal; until: number }>();
  private readonly used = new Map<string, number>();
  /** Counts revocations: what was read before one must not be trusted after it. */
  private revocations = 0;

  constructor(
    private readonly database: Database,
    private readonly keys: KeyProvider,
    private readonly foreign: ForeignTokens,
    private readonly marks: MemberMarks,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super();
  }

  async authenticate(credential: string): Promise<Principal | undefined> {
    const parsed = parseCredential(credential);
    if (!parsed) return this.foreign.authenticate(credential);
    const known = this.known(credential);
    if (known) return known;
    const revocations = this.revocations;
    const principal = await this.verify(parsed);
    const name = nameOf(credential);
    if (!principal) this.trusted.delete(name);
    else if (revocations === this.revocations) {
      if (this.trusted.size > 10_000) this.trusted.clear();
      this.trusted.set(name, { principal, until: performance.now() + TRUST_MS });
    }
    return principal;
  }

  override known(credential: string): Principal | undefined {
    const trusted = this.trusted.get(nameOf(credential));
    return trusted && trusted.until > performance.now() ? trusted.principal : undefined;
  }

  override met(credential: string): boolean {
    return this.trusted.has(nameOf(credential));
  }

  /** Drops cached trust at once, after a revocation on this replica. */
  forget(): void {
    this.revocations += 1;
    for (const trusted of this.trusted.values()) trusted.until = Number.NEGATIVE_INFINITY;
  }

  private async verify({ tenant, id, mode, secret }: CredentialText): Promise<Principal | undefined> {
    const { rows } = await this.database.fetch<CredentialRow>(tenant, {
      name: 'credential-read',
      text: `SELECT c.kind, c.member, c.secret_hash, c.scopes, c.expires_at, c.revoked_at, m.roles, m.removed_at, t.mode,
                    c.vouched_by IS NOT NULL AND m.vouched_by IS NOT NULL AS vouched
             FROM credential c JOIN tenant t ON t.id = c.tenant LEFT JOIN member m ON m.tenant = c.tenant AND m.id = c.member
             WHERE c.tenant = $1 AND c.id = $2`,
      values: [tenant, id],
    });
    const row = rows[0];
    if (!row || !secretMatches(secret, row.secret_hash) || row.mode !== mode) return undefined;
    if (row.revoked_at || row.removed_at || (row.expires_at && row.expires_at <= this.clock.now())) return undefined;
    this.noteUse(tenant, id);
    return {
      kind: row.kind === 'personal' ? 'human' : 'system',
      id: row.kind === 'personal' ? row.member! : id,
      tenant,
      mode,
      roles: row.kind === 'personal' ? (row.roles ?? []) : ['system'],
      scopes: row.scopes,
      ...(row.kind === 'personal' ? { vouched: row.vouched, ...(await this.human(tenant, row.member!)) } : {}),
      actorRef:
        row.kind === 'personal'
          ? memberRef(this.keys, tenant, row.member!)
          : actorRefOf(this.keys, tenant, 'system', id),
    };
  }

  /** One human, however many members they are: the oldest of them is who they count as. */
  private async human(
    tenant: CredentialText['tenant'],
    member: string,
  ): Promise<Required<Pick<Principal, 'humanId' | 'humanIds'>>> {
    const humanIds = await this.marks.sameHuman(tenant, member);
    return { humanId: humanIds[0] ?? member, humanIds };
  }

  /** Nobody waits for it, and a database that takes no writes keeps nobody out: the next note says the same. */
  private noteUse(tenant: CredentialText['tenant'], id: string): void {
    const at = performance.now();
    if ((this.used.get(id) ?? Number.NEGATIVE_INFINITY) > at - LAST_USE_MS) return;
    this.used.set(id, at);
    const note = {
      name: 'credential-used',
      text: 'UPDATE credential SET last_used_at = $3 WHERE tenant = $1 AND id = $2',
      values: [tenant, id, this.clock.now()],
    };
    void this.database.transaction(tenant, (query) => query(note)).catch(() => undefined);
  }
}

/** The whole text, hashed: no secret stays in memory, and comparing names gives nothing of one away. */
function nameOf(credential: string): string {
  return hash('sha256', credential, 'base64');
}
