import { type ComponentType, Suspense } from 'react';
import { Redirect, Route, Switch, useLocation } from 'wouter';
import { PAGE_PATHS } from './page-paths.js';
import { Frame } from './pages/layout.js';
import { NotFoundPage } from './pages/not-found.js';
import { SignInPage } from './pages/sign-in.js';
import { ROUTES } from './routes.js';
import { useSession } from './session.js';
import { Boundary } from './ui/error-boundary.js';
import { Loading } from './ui/query-boundary.js';

const NAMES = Object.keys(ROUTES) as (keyof typeof ROUTES)[];

/** The page that belongs to the address and to whoever is there. */
export function App() {
  const { isSignedIn } = useSession();
  const [location] = useLocation();
  return (
    <Frame>
      <Boundary key={location}>
        <Suspense fallback={<Loading />}>
          <Switch>
            {NAMES.map((name) => (
              <Route key={name} path={PAGE_PATHS[name]} component={pageAt(name, isSignedIn)} />
            ))}
            <Route component={NotFoundPage} />
          </Switch>
        </Suspense>
      </Boundary>
    </Frame>
  );
}

/** Every address asks to sign in where it must, and is still there afterwards. */
function pageAt(name: keyof typeof ROUTES, isSignedIn: boolean): ComponentType {
  const { for: whom, Page } = ROUTES[name];
  if (whom === 'signed-in' && !isSignedIn) return SignInPage;
  if (whom === 'signed-out' && isSignedIn) return ToDashboard;
  return Page;
}

function ToDashboard() {
  return <Redirect to={PAGE_PATHS.dashboard} replace />;
}
