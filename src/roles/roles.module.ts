import { Module } from '@nestjs/common';
import { RevocationModule } from '../revocation/revocation.module.js';
import { RolePermissionsCache } from './role-permissions-cache.js';
import { RoleSweeper } from './role-sweeper.service.js';
import { RolesController } from './roles.controller.js';
import { Roles } from './roles.service.js';

/** Roles, their permissions, and who may grant what. */
@Module({
  imports: [RevocationModule],
  controllers: [RolesController],
  providers: [RolePermissionsCache, RoleSweeper, Roles],
  exports: [RolePermissionsCache, Roles],
})
export class RolesModule {}
