import { Module } from '@nestjs/common';
import { RoleTable } from './role-permissions-cache.js';
import { RolesController } from './roles.controller.js';
import { Roles } from './roles.service.js';

/** Roles, their permissions, and who may grant what. */
@Module({
  controllers: [RolesController],
  providers: [RoleTable, Roles],
  exports: [RoleTable, Roles],
})
export class RolesModule {}
