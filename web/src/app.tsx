import { type ComponentType, Suspense } from 'react';
import { Redirect, Route, Switch, useLocation } from 'wouter';
import { PAGE_PATHS } from './page-paths.js';
import { Layout } from './pages/layout.js';
import { NotFoundPage } from './pages/not-found.js';
import { SignInPage } from './pages/sign-in.js';
import { ROUTES } from './routes.js';
import { useSession } from './session.js';
import { ErrorBoundary } from './ui/error-boundary.js';
import { Loading } from './ui/loading.js';

const NAMES = Object.keys(ROUTES) as (keyof typeof ROUTES)[];

export function App() {
  const { isSignedIn } = useSession();
  const [location] = useLocation();
  return (
    <Layout>
      <ErrorBoundary key={location}>
        <Suspense fallback={<Loading />}>
          <Switch>
            {NAMES.map((name) => (
              <Route key={name} path={PAGE_PATHS[name]} component={pageAt(name, isSignedIn)} />
            ))}
            <Route component={NotFoundPage} />
          </Switch>
        </Suspense>
      </ErrorBoundary>
    </Layout>
  );
}

/** The sign-in form appears at the address that asked for it, so that the address is still there afterwards. */
function pageAt(name: keyof typeof ROUTES, isSignedIn: boolean): ComponentType {
  const { audience, Page } = ROUTES[name];
  if (audience === 'signed-in' && !isSignedIn) return SignInPage;
  if (audience === 'signed-out' && isSignedIn) return ToDashboard;
  return Page;
}

function ToDashboard() {
  return <Redirect to={PAGE_PATHS.dashboard} replace />;
}
