import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Problem } from '../common/problem.js';
import { demandOf } from './demands.js';
import type { AuthenticatedRequest } from './principal.js';

/** May they? Runs after JwtAuthGuard. A route that declares nothing is closed to everybody. */
@Injectable()
export class RolesGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const demand = demandOf(context.getHandler(), context.getClass());
    if (!demand) throw new Problem('forbidden', { detail: 'This route does not say whom it is for, so it is closed.' });
    if (demand.kind !== 'roles') return true;
    const { user } = context.switchToHttp().getRequest<AuthenticatedRequest>();
    if (demand.anyOf.some((role) => user?.roles.includes(role))) return true;
    throw new Problem('forbidden', { detail: `This needs the role ${demand.anyOf.join(' or ')}.` });
  }
}
