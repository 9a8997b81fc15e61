/** `@Can`: what a route needs; checked by CASL abilities of the caller's roles and scopes. Deny by default. */
import { SetMetadata, type CanActivate, type CustomDecorator, type ExecutionContext } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import { DomainError } from '#kernel';
import { abilityOf, whoMay, type Action, type Resource } from './abilities.js';
import type { CallerRequest } from './caller.js';
import { CAN, type Needs } from './needs.js';
import { attemptOf, type Refusals } from './refusals.js';

/** Declares the permission of a route, e.g. `@Can('approve', 'Request')`. */
export function Can(needs: 'anyone'): CustomDecorator;
export function Can(action: Action, resource: Resource): CustomDecorator;
export function Can(action: Action | 'anyone', resource?: Resource): CustomDecorator {
  return SetMetadata(CAN, action === 'anyone' || resource === undefined ? 'anyone' : { action, resource });
}

/** Refuses every route whose need the caller's abilities do not meet, and every route that names none. */
export class CanGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly refusals?: Refusals,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const needs = this.reflector.get<Needs | undefined>(CAN, context.getHandler());
    if (needs === 'anyone') return true;
    const { caller } = context.switchToHttp().getRequest<CallerRequest>();
    if (!caller)
      throw new DomainError(401, 'unauthenticated', 'Send a valid API key or token as Authorization: Bearer.');
    if (needs && abilityOf(caller.principal).can(needs.action, needs.resource)) return true;
    const lacks = needs ? whoMay(needs.action, needs.resource) : 'Nobody may call this route.';
    const refusal = new DomainError(403, 'forbidden', `${lacks} GET /v1/whoami says what yours is.`);
    await this.refusals?.record(caller, attemptOf(context), refusal);
    throw refusal;
  }
}
