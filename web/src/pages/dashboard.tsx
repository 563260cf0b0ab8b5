import { Link } from 'wouter';
import type { User } from '../gatehouse.js';
import { PAGE_PATHS } from '../page-paths.js';
import { useDashboard } from '../queries.js';
import { eventName, Time } from '../ui/format.js';
import { Page, Section } from '../ui/page.js';
import { Loaded } from '../ui/query-boundary.js';
import { Table } from '../ui/table.js';

/** What somebody sees first. */
export function DashboardPage() {
  const dashboard = useDashboard();
  return (
    <Page title="Dashboard">
      <Loaded query={dashboard}>
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
                  signed in now. <Link href={PAGE_PATHS.devices}>See them</Link>
                </p>
              </Section>
            </div>
            <Section title="Recent activity">
              <Table
                caption="What happened on your account, newest first"
                columns={['What', 'When', 'Device', 'Address']}
                empty="Nothing has happened yet."
                rows={activity.map(({ type, at, device, ip }, index) => ({
                  // Two of a kind may have happened in the same millisecond.
                  key: String(index),
                  cells: [eventName(type), <Time key="at" at={at} />, device, ip ?? '–'],
                }))}
              />
            </Section>
          </>
        )}
      </Loaded>
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
