import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { AuthenticatedRequest } from '../access/principal.js';
import { type AccessRule, accessRuleOf } from '../access/route-access.js';
import { Problem } from '../platform/http/problem.js';
import { RolePermissionsCache } from '../roles/role-permissions-cache.js';

/** May they? Runs after JwtAuthGuard. A route that declares nothing is closed to everybody. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(private readonly table: RolePermissionsCache) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const demand = accessRuleOf(context.getHandler(), context.getClass());
    if (!demand) throw new Problem('forbidden', { detail: 'This route declares no access rule, so it is closed.' });
    if (demand.kind !== 'roles' && demand.kind !== 'permissions') return true;
    const roles = context.switchToHttp().getRequest<AuthenticatedRequest>().user?.roles ?? [];
    if (demand.kind === 'permissions' && !this.table.isSynchronized) return this.checkAfterReading(demand, roles);
    return this.check(demand, roles);
  }

  /** While the link is lost the roles are read where that is possible; else what was last known of them counts. */
  private async checkAfterReading(demand: AccessRule, roles: readonly string[]): Promise<boolean> {
    await this.table.refresh();
    return this.check(demand, roles);
  }

  private check(demand: AccessRule, roles: readonly string[]): true {
    if (demand.kind === 'roles' && !demand.anyOf.some((role) => roles.includes(role))) {
      throw new Problem('forbidden', { detail: `This needs the role ${demand.anyOf.join(' or ')}.` });
    }
    const missing = demand.kind === 'permissions' ? this.table.missing(roles, demand.allOf) : null;
    if (missing !== null) throw new Problem('forbidden', { detail: `This needs the permission ${missing}.` });
    return true;
  }
}
