import { Module } from '@nestjs/common';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { AuthController } from './auth.controller.js';
import { Logout } from './logout.service.js';
import { Registration } from './registration.service.js';
import { SignIn } from './sign-in.service.js';

/** The flows: how somebody becomes signed in, stays so, and ends it. */
@Module({
  imports: [SessionsModule, UsersModule],
  controllers: [AuthController],
  providers: [Logout, Registration, SignIn],
})
export class AuthModule {}
