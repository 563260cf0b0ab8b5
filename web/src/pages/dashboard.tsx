import { Link } from 'wouter';
import type { User } from '../gatehouse.js';
import { PAGE_PATHS } from '../page-paths.js';
import { useDashboard } from '../queries.js';
import { eventName, Time } from '../ui/format.js';
import { Page, Section } from '../ui/page.js';
import { QueryBoundary } from '../ui/query-boundary.js';
import { Table } from '../ui/table.js';

export function DashboardPage() {
  const dashboard = useDashboard();
  return (
    <Page title="Dashboard">
      <QueryBoundary query={dashboard}>
        {({ message, user, sessions, activity }) => (
          <>
            <p className="lead">
              {message}, {user.name ?? user.username ?? user.email}.
            </p>
            <div className="columns">
              <Section title="Your details">
                <Details user={user} />
              </Section>
              <Section title="Your devices">
                <p className="figure">{sessions.active}</p>
                <p>
                  signed in now. <Link href={PAGE_PATHS.devices}>View devices</Link>
                </p>
              </Section>
            </div>
            <Section title="Recent activity">
              <Table
                caption="What happened on your account, newest first"
                columns={['Event', 'Time', 'Device', 'Address']}
                empty="No activity yet"
                rows={activity.map(({ type, at, device, ip }, index) => ({
                  // Two events of one type may share a millisecond.
                  key: String(index),
                  cells: [eventName(type), <Time key="at" at={at} />, device, ip ?? '–'],
                }))}
              />
            </Section>
          </>
        )}
      </QueryBoundary>
    </Page>
  );
}

function Details({ user }: { user: User }) {
  return (
    <dl>
      <dt>Email</dt>
      <dd>
        {user.email} {!user.emailVerified && <span className="tag">not confirmed</span>}
      </dd>
      <dt>Username</dt>
      <dd>{user.username ?? 'none'}</dd>
      <dt>Roles</dt>
      <dd>{user.roles.join(', ') || 'none'}</dd>
      <dt>Member since</dt>
      <dd>
        <Time at={user.createdAt} />
      </dd>
    </dl>
  );
}
