import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { api, unwrap } from '../gatehouse.js';
import { ErrorBoundary } from '../ui/error-boundary.js';
import { Loading } from '../ui/loading.js';
import { Page, Section } from '../ui/page.js';
import { QueryBoundary } from '../ui/query-boundary.js';
import { Select } from '../ui/select.js';
import { Table } from '../ui/table.js';

/** Charts are larger than the rest of the page, so they are loaded with the first one shown. */
const DailyChart = lazy(() => import('./daily-chart.js'));
const ShareChart = lazy(() => import('./share-chart.js'));

const DAYS = [
  ['7', '7 days'],
  ['30', '30 days'],
  ['90', '90 days'],
] as const;

export default function OverviewPage() {
  const [days, setDays] = useState(30);
  const stats = useQuery({
    queryKey: ['stats', days],
    queryFn: () => unwrap(api.GET('/v1/dashboard/stats', { params: { query: { days } } })),
    placeholderData: (before) => before,
  });
  return (
    <Page title="Overview">
      <QueryBoundary query={stats}>
        {({ users, sessions, series }) => (
          <>
            <div className="columns figures">
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
              <ChartWithTable chart={<DailyChart series={series} />}>
                <Table
                  caption="Sign-ups, logins and failed logins by day"
                  columns={['Day', 'Sign-ups', 'Logins', 'Failed logins']}
                  empty="No days to show"
                  rows={series.map((day) => ({
                    key: day.date,
                    cells: [day.date, day.signups, day.logins, day.failedLogins],
                  }))}
                />
              </ChartWithTable>
            </Section>
            <div className="columns halves">
              <Shares title="Users by role" column="Role" parts={users.byRole} />
              <Shares
                title="Users by status"
                column="Status"
                parts={{ active: users.active, disabled: users.disabled }}
              />
            </div>
          </>
        )}
      </QueryBoundary>
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

function Shares({ title, column, parts }: { title: string; column: string; parts: Record<string, number> }) {
  return (
    <Section title={title}>
      <ChartWithTable chart={<ShareChart parts={parts} />}>
        <Table
          caption={title}
          columns={[column, 'Users']}
          empty="No users"
          rows={Object.entries(parts).map(([name, count]) => ({ key: name, cells: [name, count] }))}
        />
      </ChartWithTable>
    </Section>
  );
}

/** The table is for readers who cannot see the chart. */
function ChartWithTable({ chart, children }: { chart: ReactNode; children: ReactNode }) {
  return (
    <>
      <ErrorBoundary>
        <Suspense fallback={<Loading />}>{chart}</Suspense>
      </ErrorBoundary>
      <details>
        <summary>Show as table</summary>
        {children}
      </details>
    </>
  );
}
