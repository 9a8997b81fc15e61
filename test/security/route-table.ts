/** Every route of the application with what it needs and what it leaves in the log; and the table of who may what. */
import 'reflect-metadata';
import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { abilityOf, AUDITED, CAN, roleGrants, scopeGrants, type Audit, type Needs, type Role } from '#platform';

export interface Route {
  /** operationId. */
  name: string;
  controller: string;
  method: string;
  /** As in OpenAPI: `/v1/purposes/{id}`. */
  path: string;
  needs: Needs | undefined;
  audit: Audit | undefined;
}

/** Every controller that any module registers. */
export function controllersOf(app: NestFastifyApplication): Type[] {
  const modules = [...app.get(ModulesContainer).values()];
  return [...new Set(modules.flatMap((module) => [...module.controllers.values()].map((one) => one.metatype as Type)))];
}

/** The routes that the decorators of these controllers declare. */
export function routesOf(controllers: readonly Type[]): Route[] {
  return controllers.flatMap((controller) =>
    Object.getOwnPropertyNames(controller.prototype).flatMap((name) => {
      const handler = (controller.prototype as Record<string, object>)[name];
      const method = handler && (Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined);
      if (!handler || method === undefined) return [];
      const prefixes = [Reflect.getMetadata(PATH_METADATA, controller) as string | string[]].flat();
      const paths = [Reflect.getMetadata(PATH_METADATA, handler) as string | string[]].flat();
      return prefixes.flatMap((prefix) =>
        paths.map((path): Route => ({
          name,
          controller: controller.name,
          method: RequestMethod[method],
          path: pathOf(prefix, path),
          needs: Reflect.getMetadata(CAN, handler) as Needs | undefined,
          audit: Reflect.getMetadata(AUDITED, handler) as Audit | undefined,
        })),
      );
    }),
  );
}

function pathOf(...parts: string[]): string {
  const joined = parts.flatMap((part) => part.split('/')).filter(Boolean);
  return `/${joined.map(placeholder).join('/')}`;
}

function placeholder(part: string): string {
  if (part.startsWith('*')) return '{path}';
  return part.startsWith(':') ? `{${part.slice(1)}}` : part;
}

/** What is wrong with a route; empty when nothing is. */
export function faultsOf(route: Route): string[] {
  const where = `${route.controller}.${route.name} (${route.method} ${route.path})`;
  return [
    ...(route.needs === undefined ? [`${where} has no @Can`] : []),
    ...(route.audit === undefined ? [`${where} has no @Audited`] : []),
    ...(route.needs === 'anyone' && route.path.startsWith('/v1/') ? [`${where} is open to anyone below /v1`] : []),
  ];
}

const roles = Object.keys(roleGrants) as Role[];

/** A kind of caller: a role, or a system key with one scope. */
export type CallerKind = { role: Role } | { scope: string };

export const callerKinds: CallerKind[] = [
  ...roles.map((role) => ({ role })),
  ...Object.keys(scopeGrants).map((scope) => ({ scope })),
];

/** True when the one table of abilities allows it. */
export function mayCall(kind: CallerKind, needs: Needs | undefined): boolean {
  if (needs === 'anyone') return true;
  const principal =
    'role' in kind ? { roles: [kind.role], scopes: [] } : { roles: ['system' as const], scopes: [kind.scope] };
  return needs !== undefined && abilityOf(principal).can(needs.action, needs.resource);
}

/** docs/who-may-what.md. */
export function whoMayWhat(routes: readonly Route[]): string {
  const rows = [...routes]
    .sort((a, b) => `${a.path} ${a.method}`.localeCompare(`${b.path} ${b.method}`, 'en'))
    .map((route) => {
      const needs =
        route.needs === 'anyone' || !route.needs ? 'anyone' : `${route.needs.action} ${route.needs.resource}`;
      const marks = roles.map((role) => (mayCall({ role }, route.needs) ? 'yes' : ''));
      const scopes = callerKinds.flatMap((kind) =>
        'scope' in kind && mayCall(kind, route.needs) && !mayCall({ role: 'system' }, route.needs)
          ? [`\`${kind.scope}\``]
          : [],
      );
      const audit = route.audit ? `${route.audit.name} (${route.audit.kind})` : '';
      return `| \`${route.method} ${route.path}\` | ${[needs, ...marks, scopes.join(' '), audit].join(' | ')} |`;
    });
  const exempt = [...routes]
    .flatMap(({ audit }) => (audit?.kind === 'exempt' ? [`- ${audit.name}: ${audit.why}`] : []))
    .sort();
  return [
    '# Who may what',
    '',
    'Written from the abilities and the routes (`LETHE_TEST_UPDATE=1 npm test -- test/security/routes`); a test fails when it is not',
    'what the code does, and calls every route as every role. A route that is not here does not exist; what is not "yes" is 403, without a credential 401.',
    'The last column is the audit entry: `change` leaves events, `read` leaves an access-log entry per person seen before the',
    'answer leaves, `exempt` leaves neither, for the reason below.',
    '',
    `| route | needs | ${roles.join(' | ')} | or a system key with | audit |`,
    `|---|---|${roles.map(() => '---').join('|')}|---|---|`,
    ...rows,
    '',
    '## Why some leave no entry',
    '',
    ...new Set(exempt),
    '',
  ].join('\n');
}
