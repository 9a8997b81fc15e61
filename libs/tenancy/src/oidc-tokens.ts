/** Tokens of an OpenID Connect issuer as credentials of humans; an issuer maps to a tenant by configuration. */
import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { createRemoteJWKSet, decodeJwt, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import type { TenantId } from '#kernel';
import { CONFIG, KeyProvider, type Config, type Principal } from '#platform';
import { Members } from './members.js';
import { ForeignTokens } from './principals.js';
import { Tenants } from './tenants.js';

const Issuers = z.array(
  z.strictObject({ issuer: z.url(), audience: z.string().min(1), tenant: z.uuid(), jwksUri: z.url() }),
);
type Issuer = z.infer<typeof Issuers>[number];

/** Fixed list: `none` and symmetric algorithms are never accepted. */
const algorithms = ['RS256', 'ES256', 'EdDSA', 'PS256'];

@Injectable()
export class OidcTokens extends ForeignTokens {
  private readonly issuers: Map<string, Issuer>;
  private readonly keySets = new Map<string, JWTVerifyGetKey>();

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly members: Members,
    private readonly tenants: Tenants,
    private readonly keys: KeyProvider,
  ) {
    super();
    const parsed = Issuers.parse(JSON.parse(config.LETHE_OIDC_ISSUERS ?? '[]'));
    this.issuers = new Map(parsed.map((issuer) => [issuer.issuer, issuer]));
  }

  async authenticate(token: string): Promise<Principal | undefined> {
    const issuer = this.issuers.get(issuerOf(token) ?? '');
    if (!issuer) return undefined;
    const subject = await this.verified(token, issuer);
    if (subject === undefined) return undefined;
    const tenant = await this.tenants.get(issuer.tenant as TenantId);
    const member = await this.members.findByOidc(issuer.tenant as TenantId, oidcSubject(issuer.issuer, subject));
    if (!member) return undefined;
    const actorRef = `member:${this.keys
      .mac(issuer.tenant as TenantId, 'actor', `member:${member.id}`)
      .toString('hex')
      .slice(0, 24)}`;
    return {
      kind: 'human',
      id: member.id,
      tenant: tenant.id,
      mode: tenant.mode,
      roles: member.roles,
      scopes: [],
      humanId: member.id,
      actorRef,
    };
  }

  private async verified(token: string, issuer: Issuer): Promise<string | undefined> {
    const keySet =
      this.keySets.get(issuer.issuer) ?? createRemoteJWKSet(new URL(issuer.jwksUri), { timeoutDuration: 3000 });
    this.keySets.set(issuer.issuer, keySet);
    try {
      const { payload } = await jwtVerify(token, keySet, {
        issuer: issuer.issuer,
        audience: issuer.audience,
        algorithms,
        clockTolerance: 5,
      });
      return payload.sub;
    } catch {
      return undefined;
    }
  }
}

/** How a member row names the human of an issuer: a hash, because the issuer's id is personal data. */
export function oidcSubject(issuer: string, subject: string): string {
  return createHash('sha256').update(`${issuer}\n${subject}`).digest('hex');
}

function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}
