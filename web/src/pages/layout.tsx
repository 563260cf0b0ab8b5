import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { PAGE_PATHS } from '../page-paths.js';
import { useMe } from '../queries.js';
import { useSession } from '../session.js';
import { SignOut } from './sign-out.js';
import { ThemeSwitch } from './theme.js';

const OWN = [
  [PAGE_PATHS.dashboard, 'Dashboard'],
  [PAGE_PATHS.devices, 'Devices'],
  [PAGE_PATHS.security, 'Security'],
  [PAGE_PATHS.account, 'Account'],
] as const;
const ADMIN = [
  [PAGE_PATHS.overview, 'Overview'],
  [PAGE_PATHS.users, 'Users'],
  [PAGE_PATHS.roles, 'Roles'],
  [PAGE_PATHS.audit, 'Audit'],
] as const;

/** What stands around every page: the way past it, the name, the navigation, the theme. */
export function Frame({ children }: { children: ReactNode }) {
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
        {children}
      </main>
      <footer>
        <ThemeSwitch />
      </footer>
    </>
  );
}

function Navigation() {
  const { data: me } = useMe();
  const [location] = useLocation();
  // A role beyond the one that everybody has may hold permissions. Which ones, the server says when asked.
  const mayAdminister = me?.roles.some((role) => role !== 'user') ?? false;
  return (
    <>
      <nav aria-label="Your account">
        <Links items={OWN} />
      </nav>
      {mayAdminister && (
        <nav aria-label="Administration">
          <Links items={ADMIN} />
        </nav>
      )}
      {/* Anew with each page, so that an old failure is not said for ever. */}
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
