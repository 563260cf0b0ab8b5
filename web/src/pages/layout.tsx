import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { PAGE_PATHS } from '../page-paths.js';
import { useMe } from '../queries.js';
import { useSession } from '../session.js';
import { Notice } from '../ui/notice.js';
import { SignOut } from './sign-out.js';
import { ThemeSwitch } from './theme.js';

const ACCOUNT_LINKS = [
  [PAGE_PATHS.dashboard, 'Dashboard'],
  [PAGE_PATHS.devices, 'Devices'],
  [PAGE_PATHS.security, 'Security'],
  [PAGE_PATHS.account, 'Account'],
] as const;
const ADMIN_LINKS = [
  [PAGE_PATHS.overview, 'Overview'],
  [PAGE_PATHS.users, 'Users'],
  [PAGE_PATHS.roles, 'Roles'],
  [PAGE_PATHS.audit, 'Audit'],
] as const;

/** Around every page: skip link, name, navigation and theme. */
export function Layout({ children }: { children: ReactNode }) {
  const { isSignedIn } = useSession();
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header>
        <Link href={PAGE_PATHS.dashboard} className="brand">
          Gatehouse
        </Link>
        {isSignedIn && <Navigation />}
      </header>
      <main id="main" tabIndex={-1} className={isSignedIn ? undefined : 'narrow'}>
        {isSecureContext === false && <InsecureNotice />}
        {children}
      </main>
      <footer>
        <ThemeSwitch />
      </footer>
    </>
  );
}

/** A browser takes the cookie of a session over https alone, and on the machine itself. */
function InsecureNotice() {
  return (
    <Notice kind="info">
      This address is not https, so your browser does not keep you signed in: a reload signs you out, and what you type
      can be read on the way. Ask the operator of this server for its https address.
    </Notice>
  );
}

function Navigation() {
  const { data: me } = useMe();
  const [location] = useLocation();
  // Any role other than the default one may carry permissions. The server decides which when a page asks.
  const mayAdminister = me?.roles.some((role) => role !== 'user') ?? false;
  return (
    <>
      <nav aria-label="Your account">
        <Links items={ACCOUNT_LINKS} />
      </nav>
      {mayAdminister && (
        <nav aria-label="Administration">
          <Links items={ADMIN_LINKS} />
        </nav>
      )}
      {/* A new instance for each page, so that an old failure does not stay on screen. */}
      <SignOut key={location} />
    </>
  );
}

function Links({ items }: { items: readonly (readonly [string, string])[] }) {
  const [location] = useLocation();
  return (
    <ul>
      {items.map(([path, text]) => (
        <li key={path}>
          <Link href={path} aria-current={location === path ? 'page' : undefined}>
            {text}
          </Link>
        </li>
      ))}
    </ul>
  );
}
