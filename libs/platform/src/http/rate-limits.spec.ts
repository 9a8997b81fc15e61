/** Limits that hold one caller back and no other. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import type { TenantId } from '#kernel';
import { installAuthentication, PrincipalSource } from '../access/authenticate.js';
import type { Principal } from '../access/caller.js';
import { equalLimits, RateBuckets, RateLimits } from './rate-limits.js';

const shop: Principal = {
  ...{ kind: 'system', id: 'shop', tenant: 't' as TenantId, mode: 'test', roles: [], scopes: [], actorRef: 'system:s' },
};

/** One key, known by its text. */
class OneKey extends PrincipalSource {
  private readonly seen = new Set<string>();

  async authenticate(credential: string): Promise<Principal | undefined> {
    if (credential !== 'the-key') return undefined;
    this.seen.add(credential);
    return shop;
  }

  override met(credential: string): boolean {
    return this.seen.has(credential);
  }
}

const PER_MINUTE = 5;
let server: FastifyInstance;
async function open(): Promise<(key: string) => Promise<number>> {
  server = fastify();
  const source = new OneKey();
  const limits = new RateLimits({ ...equalLimits(1_000), failures: PER_MINUTE });
  limits.installForRefused(server, source);
  installAuthentication(server, source);
  limits.installForCallers(server);
  server.get('/v1/whoami', () => ({}));
  const url = await server.listen({ port: 0, host: '127.0.0.1' });
  return async (key) => (await fetch(`${url}/v1/whoami`, { headers: { authorization: `Bearer ${key}` } })).status;
}
afterEach(() => server?.close());

describe('guesses of credentials', () => {
  it('from behind the proxy that everybody comes through stop the guesser, and nobody who was let in before', async () => {
    const call = await open();
    expect(await call('the-key')).toBe(200);
    const guesses: number[] = [];
    for (let guess = 0; guess < PER_MINUTE + 2; guess++) guesses.push(await call(`guess-${guess}`));
    expect(guesses).toEqual([...Array.from({ length: PER_MINUTE }, () => 401), 429, 429]);
    expect(await call('the-key')).toBe(200);
  });

  it('stop also who was never seen, until the minute is over', async () => {
    const call = await open();
    for (let guess = 0; guess < PER_MINUTE; guess++) await call(`guess-${guess}`);
    expect(await call('the-key')).toBe(429);
  });
});

describe('buckets', () => {
  it('that were renewed are not the oldest: a flood of names gives nobody a second allowance', () => {
    let now = 0;
    const buckets = new RateBuckets(() => now);
    buckets.take('me', 1);
    now = 59_000;
    for (let name = 0; name < 49_000; name++) buckets.take(`flood ${name}`, 1);
    now = 61_000;
    expect(buckets.take('me', 1).allowed).toBe(true);
    for (let name = 0; name < 2_000; name++) buckets.take(`more ${name}`, 1);
    expect(buckets.take('me', 1).allowed).toBe(false);
  });
});
