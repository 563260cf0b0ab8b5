import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { api, unwrap } from '../gatehouse.js';
import { Loaded, Loading } from '../ui/loading.js';
import { Page, Section } from '../ui/page.js';
import { Select } from '../ui/select.js';
import { Table } from '../ui/table.js';

/** Charts weigh more than all the rest, so they come when the first one is shown. */
const DailyChart = lazy(() => import('./daily-chart.js'));

const DAYS = [
  ['7', '7 days'],
  ['30', '30 days'],
  ['90', '90 days'],
] as const;

/** The figures of the whole service. */
export default function OverviewPage() {
  const [days, setDays] = useState(30);
  const stats = useQuery({
    queryKey: ['stats', days],
    queryFn: () => unwrap(api.GET('/v1/dashboard/stats', { params: { query: { days } } })),
    placeholderData: (before) => before,
  });
  return (
    <Page title="Overview">
      <Loaded query={stats}>
        {({ users, sessions, series }) => (
          <>
            <div className="columns">
              <Figure title="Users" value={users.total} />
              <Figure title="Active" value={users.active} />
              <Figure title="Disabled" value={users.disabled} />
              <Figure title="Signed-in devices" value={sessions.active} />
            </div>
            <Section title="By day">
              <div className="form filters">
                <Select
                  name="days"
                  label="Period"
                  options={DAYS}
                  value={String(days)}
                  onChange={(event) => setDays(Number(event.target.value))}
                />
              </div>
              <Suspense fallback={<Loading />}>
                <DailyChart series={series} />
              </Suspense>
              <details>
                <summary>The same as a table</summary>
                <Table
                  caption="Sign-ups, logins and failed logins by day"
                  columns={['Day', 'Sign-ups', 'Logins', 'Failed logins']}
                  empty="No day to show."
                  rows={series.map((day) => ({
                    key: day.date,
                    cells: [day.date, day.signups, day.logins, day.failedLogins],
                  }))}
                />
              </details>
            </Section>
            <Section title="Users by role">
              <Table
                caption="Users by role"
                columns={['Role', 'Users']}
                empty="Nobody has a role."
                rows={Object.entries(users.byRole).map(([role, count]) => ({ key: role, cells: [role, count] }))}
              />
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Figure({ title, value }: { title: string; value: number }) {
  return (
    <Section title={title}>
      <p className="figure">{value.toLocaleString()}</p>
    </Section>
  );
}
