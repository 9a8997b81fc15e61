/** A path that takes other methods answers 405 with `Allow` (RFC 9110 section 15.5.6): whoever mixed them up is told so. */
import type { FastifyInstance } from 'fastify';
import { sendProblem, toDomainError } from './problem-details.js';

/** Install it before the routes are there, of which it keeps a list, and after authentication: to strangers nothing exists. */
export function installAllowedMethods(fastify: FastifyInstance): void {
  const routes: { path: RegExp; methods: string[] }[] = [];
  fastify.addHook('onRoute', ({ url, method }) => {
    const path = url
      .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll(/:[^/]+/g, '[^/]+')
      .replaceAll('*', '.*');
    routes.push({ path: new RegExp(`^${path}$`), methods: [method].flat() });
  });
  fastify.addHook('preHandler', (request, reply, next) => {
    if (!request.is404) return next();
    const path = request.url.replace(/[?#].*$/s, '');
    const allowed = new Set(routes.flatMap((route) => (route.path.test(path) ? route.methods : [])));
    if (allowed.size === 0) return next();
    reply.header('allow', [...allowed].sort().join(', '));
    sendProblem(reply, toDomainError({ statusCode: 405 }), request.id);
  });
}
