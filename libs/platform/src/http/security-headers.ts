/** Security headers: a page gets all of helmet's; an answer of the API the few that mean something for JSON, made once. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import helmet from 'helmet';
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

/** Made once: a page may show its own scripts and styles and nothing from elsewhere. */
const forPages = helmet({
  contentSecurityPolicy: { directives: { 'script-src': ["'self'"], 'style-src': ["'self'", "'unsafe-inline'"] } },
});

/** The headers of every answer, before anything else is done for it. */
export function installSecurityHeaders(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, next: () => void) => {
    if (!isGuarded(request)) return forPages(request.raw, reply.raw, next);
    reply.headers(forJson);
    next();
  });
}
