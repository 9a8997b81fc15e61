/** Authentication by passport's bearer strategy, before a byte of the body is read: 401 comes first. */
import { Authenticator } from 'passport';
import { Strategy as BearerStrategy } from 'passport-http-bearer';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '#kernel';
import { Caller, type CallerRequest, type Principal } from './caller.js';
import { sendProblem, toDomainError } from '../http/problem-details.js';

/** Port to tenancy: who holds this credential (API key, personal token, OIDC token, subject session)? */
export abstract class PrincipalSource {
  /** Undefined for unknown, expired and revoked credentials alike. */
  abstract authenticate(credential: string): Promise<Principal | undefined>;

  /** The principal of a credential that was authenticated a moment ago and may still be trusted; nothing is looked up. */
  known(_credential: string): Principal | undefined {
    return undefined;
  }

  /** Whether a credential was let in before by this process; it may have ended since. Nothing is looked up. */
  met(_credential: string): boolean {
    return false;
  }
}

const bearer = /^Bearer ([\w.~+/-]+=*)$/;

/** The credential of a call; undefined when the header carries none in the form of a bearer token (RFC 6750). */
export function credentialOf(request: FastifyRequest): string | undefined {
  return bearer.exec(request.headers.authorization ?? '')?.[1];
}

/** Routes below this prefix need a principal. */
const guarded = '/v1/';

/**
 * Whether a call needs a principal. By the route that matched, and not by the text of the URL alone: `/%76%31/whoami` is
 * `/v1/whoami` to the router.
 */
export function isGuarded(request: FastifyRequest): boolean {
  return request.routeOptions.url?.startsWith(guarded) === true || request.url.startsWith(guarded);
}

/** An unread body must not keep the connection, and the sender's patience, after a refusal. */
function closeIfUnread(request: FastifyRequest, reply: FastifyReply): void {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
  if (coding !== undefined || Number(length) > 65_536) reply.header('connection', 'close');
}

/** Installs the check on every request; routes then find `request.caller`. */
export function installAuthentication(fastify: FastifyInstance, source: PrincipalSource): void {
  const passport = new Authenticator();
  passport.use(
    new BearerStrategy((credential, done) => {
      source.authenticate(credential).then(
        (principal) => done(null, principal ?? false),
        (error: unknown) => done(error),
      );
    }),
  );
  fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, next: () => void) => {
    if (!isGuarded(request)) {
      next();
      return;
    }
    const credential = credentialOf(request);
    const known = credential === undefined ? undefined : source.known(credential);
    if (known) {
      (request as unknown as CallerRequest).caller = new Caller(known);
      next();
      return;
    }
    const refuse = (error: unknown): void => {
      const problem = toDomainError(error);
      // Who can't be looked up is not unauthenticated: a client must keep its key and come again.
      if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
      closeIfUnread(request, reply);
      sendProblem(reply, problem, request.id);
    };
    const settled = (error: unknown, principal: Principal | false | null | undefined): void => {
      if (error) refuse(error);
      else if (!principal)
        refuse(new DomainError(401, 'unauthenticated', 'Send a valid API key or token as Authorization: Bearer.'));
      else {
        (request as unknown as CallerRequest).caller = new Caller(principal);
        next();
      }
    };
    // Only the header counts: a token in a URL or body would be logged by proxies.
    const headersOnly = { headers: request.headers, body: undefined, query: undefined };
    (passport.authenticate('bearer', { session: false }, settled) as (...args: unknown[]) => void)(
      headersOnly,
      reply.raw,
      refuse,
    );
  });
}
