import { lazy, Suspense } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { PAGE_PATHS } from '../../src/web/page-paths.js';
import { AccountPage } from './pages/account.js';
import { DashboardPage } from './pages/dashboard.js';
import { DevicesPage } from './pages/devices.js';
import { ForgotPasswordPage } from './pages/forgot-password.js';
import { Frame } from './pages/frame.js';
import * as mailed from './pages/mailed-links.js';
import { NotFoundPage } from './pages/not-found.js';
import { SecurityPage } from './pages/security.js';
import { SignInPage } from './pages/sign-in.js';
import { SignUpPage } from './pages/sign-up.js';
import { useSession } from './session.js';
import { Loading } from './ui/loading.js';

/** Loaded when somebody who administers opens one. */
const OverviewPage = lazy(() => import('./admin/overview.js'));
const UsersPage = lazy(() => import('./admin/users.js'));
const UserPage = lazy(() => import('./admin/user.js'));
const RolesPage = lazy(() => import('./admin/roles.js'));
const AuditPage = lazy(() => import('./admin/audit.js'));

/** Which page stands at which address, for whom. */
export function App() {
  const { isSignedIn } = useSession();
  return (
    <Frame>
      <Suspense fallback={<Loading />}>
        <Switch>
          <Route path={PAGE_PATHS.verifyEmail} component={mailed.VerifyEmailPage} />
          <Route path={PAGE_PATHS.resetPassword} component={mailed.ResetPasswordPage} />
          <Route path={PAGE_PATHS.acceptInvitation} component={mailed.AcceptInvitationPage} />
          <Route path={PAGE_PATHS.undoEmailChange} component={mailed.UndoEmailChangePage} />
          <Route path={PAGE_PATHS.forgotPassword} component={ForgotPasswordPage} />
          {isSignedIn ? <ForSignedIn /> : <ForSignedOut />}
        </Switch>
      </Suspense>
    </Frame>
  );
}

function ForSignedIn() {
  return (
    <Switch>
      <Route path={PAGE_PATHS.signIn}>
        <Redirect to={PAGE_PATHS.dashboard} replace />
      </Route>
      <Route path={PAGE_PATHS.signUp}>
        <Redirect to={PAGE_PATHS.dashboard} replace />
      </Route>
      <Route path={PAGE_PATHS.dashboard} component={DashboardPage} />
      <Route path={PAGE_PATHS.devices} component={DevicesPage} />
      <Route path={PAGE_PATHS.security} component={SecurityPage} />
      <Route path={PAGE_PATHS.account} component={AccountPage} />
      <Route path={PAGE_PATHS.overview} component={OverviewPage} />
      <Route path={PAGE_PATHS.users} component={UsersPage} />
      <Route path={PAGE_PATHS.user}>{({ id }) => <UserPage id={id} />}</Route>
      <Route path={PAGE_PATHS.roles} component={RolesPage} />
      <Route path={PAGE_PATHS.audit} component={AuditPage} />
      <Route component={NotFoundPage} />
    </Switch>
  );
}

/** Every address asks to sign in first, and is still there afterwards. */
function ForSignedOut() {
  return (
    <Switch>
      <Route path={PAGE_PATHS.signUp} component={SignUpPage} />
      <Route component={SignInPage} />
    </Switch>
  );
}
