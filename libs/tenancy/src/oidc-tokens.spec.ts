/** Tokens of identity providers: one provider may serve several tenants, and one that is ill makes nobody a stranger. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TestClock, type TenantId } from '#kernel';
import { readConfig, type KeyProvider } from '#platform';
import type { Member, Members } from './members.js';
import { readIssuers } from './oidc-issuers.js';
import { OidcTokens } from './oidc-tokens.js';
import type { Tenants } from './tenants.js';

const shop = '00000000-0000-7000-8000-000000000001';
const club = '00000000-0000-7000-8000-000000000002';
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] };
const sound = (answer: ServerResponse): unknown => answer.end(JSON.stringify(keys));
const clock = new TestClock(new Date());

let provider: Server;
let issuer: string;
let answers: (answer: ServerResponse) => unknown;
beforeAll(async () => {
  provider = createServer((_, answer) => void answers(answer));
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
});
beforeEach(() => {
  answers = sound;
});
afterAll(() => {
  provider.closeAllConnections();
  return new Promise((resolve) => provider.close(resolve));
});

/** Everybody is a member of the tenant that the token was judged for. */
function tokens(issuers: object[], environment: NodeJS.ProcessEnv = {}): OidcTokens {
  const members = {
    findByOidc: async (tenant: TenantId) =>
      ({ id: `member of ${tenant}`, roles: ['auditor'], confirmed: true }) as Partial<Member>,
    sameHuman: async () => [],
  } as unknown as Members;
  const tenants = { get: async (id: TenantId) => ({ id, mode: 'live' }) } as unknown as Tenants;
  const provided = { mac: () => Buffer.alloc(32) } as unknown as KeyProvider;
  const config = readConfig({ ...environment, LETHE_OIDC_ISSUERS: JSON.stringify(issuers) });
  return new OidcTokens(config, members, tenants, provided, clock);
}

const of = (tenant: string, audience: string): object => ({
  ...{ issuer, audience, tenant, jwksUri: `${issuer}/jwks` },
});

function token(claims: object): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(clock.now().getTime() / 1000);
  const text = `${encode({ alg: 'RS256', kid: 'one' })}.${encode({ iss: issuer, sub: 'olga', exp: now + 300, ...claims })}`;
  return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
}

describe('a provider that serves two tenants', () => {
  it('speaks for each by the audience of the token', async () => {
    const known = tokens([of(shop, 'the-shop'), of(club, 'the-club')]);
    expect((await known.authenticate(token({ aud: 'the-shop' })))?.tenant).toBe(shop);
    expect((await known.authenticate(token({ aud: ['the-club', 'mail'] })))?.tenant).toBe(club);
  });

  it('speaks for none by a token that names another audience, none, or both', async () => {
    const known = tokens([of(shop, 'the-shop'), of(club, 'the-club')]);
    for (const aud of ['mail', undefined, [], ['the-shop', 'the-club']])
      expect(await known.authenticate(token({ aud }))).toBeUndefined();
  });

  it('is refused as a setting when the audience does not tell them apart', () => {
    const twice = JSON.stringify([of(shop, 'one-app'), of(club, 'one-app')]);
    expect(() => readIssuers(readConfig({ LETHE_OIDC_ISSUERS: twice }))).toThrow(
      'LETHE_OIDC_ISSUERS (1.audience: not told apart from 0)',
    );
  });
});

describe('the keys of a provider', () => {
  const keysAt = (jwksUri: string): object => ({ ...of(shop, 'the-shop'), jwksUri });

  it.each([
    'http://id.example.test/jwks',
    'http://10.0.0.7:8080/jwks',
    'http://localhost.example.test/jwks',
    'ftp://127.0.0.1/jwks',
  ])('are not fetched from %s: whoever is on the way could give out his own', (jwksUri) => {
    expect(() => tokens([keysAt(jwksUri)])).toThrow('LETHE_OIDC_ISSUERS (0.jwksUri: needs https)');
    expect(() => tokens([keysAt(jwksUri)])).not.toThrow(jwksUri);
  });

  it.each([
    'https://id.example.test/jwks',
    'http://127.0.0.1:8080/jwks',
    'http://[::1]/jwks',
    'http://localhost:1/jwks',
  ])('may be fetched from %s', (jwksUri) => {
    expect(() => tokens([keysAt(jwksUri)])).not.toThrow();
  });

  it('may be fetched in plain from where the operator allows it, port and all', () => {
    const allowed = { LETHE_OUTBOUND_ALLOW: 'id.intranet.example:8080' };
    expect(() => tokens([keysAt('http://id.intranet.example:8080/jwks')], allowed)).not.toThrow();
    expect(() => tokens([keysAt('http://id.intranet.example/jwks')], allowed)).toThrow('needs https');
  });
});

describe('a provider that is ill', () => {
  it.each<[string, (answer: ServerResponse) => unknown]>([
    ['answers 500', (answer) => answer.writeHead(500).end('down')],
    ['answers what is no JSON', (answer) => answer.end('<html>maintenance</html>')],
    ['answers JSON that is no key set', (answer) => answer.end('{"keys": 1}')],
    ['sends elsewhere', (answer) => answer.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['hangs up', (answer) => answer.destroy()],
  ])('and %s makes its people wait, not strangers', async (_, ill) => {
    const known = tokens([of(shop, 'the-shop')]);
    answers = ill;
    await expect(known.authenticate(token({ aud: 'the-shop' }))).rejects.toMatchObject({
      ...{ status: 503, code: 'identity-provider-unavailable' },
    });
    answers = sound;
    expect((await known.authenticate(token({ aud: 'the-shop' })))?.tenant).toBe(shop);
  });

  it('(control) a wrong signature, an unknown key and an ended token are nobody', async () => {
    const known = tokens([of(shop, 'the-shop')]);
    const [head, body] = token({ aud: 'the-shop' }).split('.') as [string, string];
    const other = Buffer.from('{"alg":"RS256","kid":"two"}').toString('base64url');
    for (const bad of [`${head}.${body}.AAAA`, `${other}.${body}.AAAA`, token({ aud: 'the-shop', exp: 1 })])
      expect(await known.authenticate(bad)).toBeUndefined();
  });
});
