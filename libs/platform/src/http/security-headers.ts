/** Security headers: a page gets all of helmet's; an answer of the API the few that mean something for JSON, made once. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isGuarded } from '../access/authenticate.js';

/** For what is never shown as a page (OWASP REST security cheat sheet). Computing helmet's set took a fifth of a consent check. */
const forJson = {
  // Answers hold personal data: no browser and no proxy keeps them. What may be kept, such as a tile, says so itself.
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
};

/** Call after helmet was registered with `global: false`. */
export function installSecurityHeaders(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, next: () => void) => {
    if (isGuarded(request)) {
      reply.headers(forJson);
      next();
      return;
    }
    (reply as unknown as { helmet(): unknown }).helmet();
    next();
  });
}
