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
  /** Signed-out visitors of a `signed-in` page get the sign-in form; signed-in ones of a `signed-out` page the dashboard. */
  audience: 'everyone' | 'signed-in' | 'signed-out';
  Page: ComponentType;
}

/** The page at each address and its audience. Pages for administrators are loaded when one is opened. */
export const ROUTES: Record<keyof typeof PAGE_PATHS, PageRoute> = {
  dashboard: { audience: 'signed-in', Page: DashboardPage },
  signIn: { audience: 'signed-out', Page: SignInPage },
  signUp: { audience: 'signed-out', Page: SignUpPage },
  forgotPassword: { audience: 'everyone', Page: ForgotPasswordPage },
  verifyEmail: { audience: 'everyone', Page: mailed.VerifyEmailPage },
  resetPassword: { audience: 'everyone', Page: mailed.ResetPasswordPage },
  acceptInvitation: { audience: 'everyone', Page: mailed.AcceptInvitationPage },
  undoEmailChange: { audience: 'everyone', Page: mailed.UndoEmailChangePage },
  devices: { audience: 'signed-in', Page: DevicesPage },
  security: { audience: 'signed-in', Page: SecurityPage },
  account: { audience: 'signed-in', Page: AccountPage },
  overview: { audience: 'signed-in', Page: lazy(() => import('./admin/overview.js')) },
  users: { audience: 'signed-in', Page: lazy(() => import('./admin/users.js')) },
  user: { audience: 'signed-in', Page: lazy(() => import('./admin/user.js')) },
  roles: { audience: 'signed-in', Page: lazy(() => import('./admin/roles.js')) },
  audit: { audience: 'signed-in', Page: lazy(() => import('./admin/audit.js')) },
};
