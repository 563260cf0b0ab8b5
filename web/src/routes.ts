import { type ComponentType, lazy } from 'react';
import type { PAGE_PATHS } from './page-paths.js';
import { AccountPage } from './pages/account.js';
import { DashboardPage } from './pages/dashboard.js';
import { DevicesPage } from './pages/devices.js';
import { ForgotPasswordPage } from './pages/forgot-password.js';
import * as mailed from './pages/mailed-links.js';
import { SecurityPage } from './pages/security.js';
import { SignInPage } from './pages/sign-in.js';
import { SignUpPage } from './pages/sign-up.js';

interface PageRoute {
  /** Whoever is signed out is asked to sign in first; whoever is signed in has no use for a page of the others. */
  for: 'anybody' | 'signed-in' | 'signed-out';
  Page: ComponentType;
}

/** Which page stands at each address, for whom. Those for administrators are loaded when one is opened. */
export const ROUTES: Record<keyof typeof PAGE_PATHS, PageRoute> = {
  dashboard: { for: 'signed-in', Page: DashboardPage },
  signIn: { for: 'signed-out', Page: SignInPage },
  signUp: { for: 'signed-out', Page: SignUpPage },
  forgotPassword: { for: 'anybody', Page: ForgotPasswordPage },
  verifyEmail: { for: 'anybody', Page: mailed.VerifyEmailPage },
  resetPassword: { for: 'anybody', Page: mailed.ResetPasswordPage },
  acceptInvitation: { for: 'anybody', Page: mailed.AcceptInvitationPage },
  undoEmailChange: { for: 'anybody', Page: mailed.UndoEmailChangePage },
  devices: { for: 'signed-in', Page: DevicesPage },
  security: { for: 'signed-in', Page: SecurityPage },
  account: { for: 'signed-in', Page: AccountPage },
  overview: { for: 'signed-in', Page: lazy(() => import('./admin/overview.js')) },
  users: { for: 'signed-in', Page: lazy(() => import('./admin/users.js')) },
  user: { for: 'signed-in', Page: lazy(() => import('./admin/user.js')) },
  roles: { for: 'signed-in', Page: lazy(() => import('./admin/roles.js')) },
  audit: { for: 'signed-in', Page: lazy(() => import('./admin/audit.js')) },
};
