/** Tokens of an OpenID Connect issuer as credentials of humans; an issuer maps to a tenant by configuration. */
import { Inject, Injectable } from '@nestjs/common';
import { createRemoteJWKSet, decodeJwt, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { DomainError, type Clock, type TenantId } from '#kernel';
import { CLOCK, CONFIG, KeyProvider, type Config, type Principal } from '#platform';
import { memberRef } from './actor-ref.js';
import { Members } from './members.js';
import { oidcSubject, readIssuers, type OidcIssuer } from './oidc-issuers.js';
import { ForeignTokens } from './principals.js';
import { Tenants } from './tenants.js';

/** Fixed list: `none` and symmetric algorithms are never accepted. */
const algorithms = ['RS256', 'ES256', 'EdDSA', 'PS256'];

/** The key set could not be fetched or read: that says nothing about the token. jose gives a bad answer its generic code. */
const unread = new Set(['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC']);

@Injectable()
export class OidcTokens extends ForeignTokens {
  private readonly issuers: readonly OidcIssuer[];
  private readonly keySets = new Map<string, JWTVerifyGetKey>();

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly members: Members,
    private readonly tenants: Tenants,
    private readonly keys: KeyProvider,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super();
    this.issuers = readIssuers(config);
  }

  async authenticate(token: string): Promise<Principal | undefined> {
    const issuer = this.issuerOf(token);
    if (!issuer) return undefined;
    const claims = await this.verified(token, issuer);
    if (claims?.sub === undefined) return undefined;
    const tenant = await this.tenants.get(issuer.tenant as TenantId);
    const member = await this.members.findByOidc(issuer.tenant as TenantId, oidcSubject(issuer.issuer, claims.sub));
    if (!member) return undefined;
    const humanIds = await this.members.sameHuman(tenant.id, member.id, verifiedEmail(claims));
    const actorRef = memberRef(this.keys, tenant.id, member.id);
    return {
      kind: 'human',
      id: member.id,
      tenant: tenant.id,
      mode: tenant.mode,
      roles: member.roles,
      scopes: [],
      humanId: humanIds[0] ?? member.id,
      humanIds,
      vouched: member.confirmed,
      authenticated: { at: authTime(claims) },
      actorRef,
    };
  }

  /** Who may have made it, by what it says of itself; a token for two tenants at once is nobody's. */
  private issuerOf(token: string): OidcIssuer | undefined {
    const { iss, aud } = claimsOf(token);
    const meant = this.issuers.filter(({ issuer, audience }) => issuer === iss && [aud].flat().includes(audience));
    return meant.length === 1 ? meant[0] : undefined;
  }

  private async verified(token: string, issuer: OidcIssuer): Promise<JWTPayload | undefined> {
    const keySet =
      this.keySets.get(issuer.jwksUri) ?? createRemoteJWKSet(new URL(issuer.jwksUri), { timeoutDuration: 3000 });
    this.keySets.set(issuer.jwksUri, keySet);
    try {
      const { payload } = await jwtVerify(token, keySet, {
        issuer: issuer.issuer,
        audience: issuer.audience,
        algorithms,
        clockTolerance: 5,
        // Without an expiry a stolen token would be good for ever.
        requiredClaims: ['exp', 'sub'],
        currentDate: this.clock.now(),
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JOSEError && !unread.has(error.code)) return undefined;
      throw new DomainError(503, 'identity-provider-unavailable', {
        detail: 'The keys of the identity provider cannot be read now. Repeat shortly.',
        retryable: true,
        retryAfter: 5,
      });
    }
  }
}

/** When the human last proved to be there (OpenID Connect Core 2); null when the token does not say. */
function authTime({ auth_time: at }: JWTPayload): Date | null {
  return typeof at === 'number' && Number.isFinite(at) ? new Date(at * 1000) : null;
}

/** The address that the provider has seen to; an unverified one is anybody's claim. */
function verifiedEmail({ email, email_verified: verified }: JWTPayload): string | undefined {
  return verified === true && typeof email === 'string' && email.length <= 320 ? email : undefined;
}

/** What a token says of itself, before anything is verified. */
function claimsOf(token: string): JWTPayload {
  try {
    return decodeJwt(token);
  } catch {
    return {};
  }
}
