/** A real OpenID Connect provider in the test process. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Server } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

export interface Issuer {
  url: string;
  key: KeyObject;
  server: Server;
  /** A token as the provider itself issues it: `sub` is the client's id. */
  token(): Promise<string>;
}

/** An OpenID Connect provider on loopback, with one client. */
export async function startIssuer(client: string, audience: string): Promise<Issuer> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const clientSecret = 'only-in-this-test';
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const provider = new Provider(url, {
    clients: [
      {
        client_id: client,
        client_secret: clientSecret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        getResourceServerInfo: () => ({
          audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
          scope: '',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  const server = await new Promise<Server>((resolve) => {
    const started = provider.listen(port, '127.0.0.1', () => resolve(started));
  });
  const token = async (): Promise<string> => {
    const response = await fetch(`${url}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${client}:${clientSecret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: `grant_type=client_credentials&resource=${encodeURIComponent(audience)}`,
    });
    const answer = (await response.json()) as { access_token?: string };
    if (!answer.access_token) throw new Error(`the provider gave no token: ${JSON.stringify(answer)}`);
    return answer.access_token;
  };
  return { url, key: privateKey, server, token };
}

/** The issuer's name holds its port, so the port must be known before it listens. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
