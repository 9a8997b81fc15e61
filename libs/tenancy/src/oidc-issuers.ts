/** Which issuers speak for which tenant: configuration, read once. Pure. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { schemeAllowed, type Config } from '#platform';

const Issuers = z
  .array(z.strictObject({ issuer: z.url(), audience: z.string().min(1), tenant: z.uuid(), jwksUri: z.url() }))
  .superRefine((issuers, context) => {
    issuers.forEach(({ issuer, audience }, at) => {
      const first = issuers.findIndex((other) => other.issuer === issuer && other.audience === audience);
      if (first < at)
        context.addIssue({ code: 'custom', path: [at, `audience: not told apart from ${first}`], input: issuers });
    });
  });

/** Hosts as the URL parser writes them. */
const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** One OpenID Connect issuer and the tenant its humans belong to; an issuer of several tenants tells them apart by audience. */
export type OidcIssuer = z.infer<typeof Issuers>[number];

type Settings = Pick<Config, 'LETHE_OIDC_ISSUERS' | 'LETHE_OUTBOUND_ALLOW'>;

/** Reads `LETHE_OIDC_ISSUERS`. Throws naming the setting, never its value. */
export function readIssuers({ LETHE_OIDC_ISSUERS: setting, LETHE_OUTBOUND_ALLOW: allow }: Settings): OidcIssuer[] {
  if (setting === undefined) return [];
  const parsed = Issuers.safeParse(parseJson(setting));
  const wrong = parsed.error?.issues.map((issue) => issue.path.join('.') || 'not a JSON list') ?? [];
  const issuers = parsed.data ?? [];
  issuers.forEach(({ jwksUri }, at) => {
    if (!isSafeSource(new URL(jwksUri), allow)) wrong.push(`${at}.jwksUri: needs https`);
  });
  if (wrong.length > 0) throw new Error(`invalid setting: LETHE_OIDC_ISSUERS (${wrong.join(', ')})`);
  return issuers;
}

/** Whoever can answer in the provider's stead gives out keys of his own, and is anybody here. */
function isSafeSource(keys: URL, allow: readonly string[]): boolean {
  return schemeAllowed(keys, allow) || (keys.protocol === 'http:' && loopback.test(keys.hostname));
}

/** A human as the issuer names them. */
export const OidcSubject = z.strictObject({ issuer: z.url().max(2000), subject: z.string().min(1).max(255) });
export type OidcSubjectInput = z.infer<typeof OidcSubject>;

/** How a member row names the human of an issuer: a hash, because the issuer's id is personal data. */
export function oidcSubject(issuer: string, subject: string): string {
  return createHash('sha256').update(`${issuer}\n${subject}`).digest('hex');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
