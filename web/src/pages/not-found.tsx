import { Link } from 'wouter';
import { PAGE_PATHS } from '../page-paths.js';
import { Page } from '../ui/page.js';

export function NotFoundPage() {
  return (
    <Page title="Page not found">
      <p>
        The address may be mistyped. <Link href={PAGE_PATHS.dashboard}>Go to the dashboard</Link>
      </p>
    </Page>
  );
}
