import { CartesianGrid, Legend, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';

interface Day {
  date: string;
  signups: number;
  logins: number;
  failedLogins: number;
}

/** Told apart by their dashes too, for who does not see the colours. */
const LINES = [
  { dataKey: 'signups', name: 'Sign-ups', stroke: 'var(--series-1)' },
  { dataKey: 'logins', name: 'Logins', stroke: 'var(--series-2)', strokeDasharray: '6 3' },
  { dataKey: 'failedLogins', name: 'Failed logins', stroke: 'var(--series-3)', strokeDasharray: '2 3' },
] as const;

const TOOLTIP = { background: 'var(--card)', border: '1px solid var(--line)', borderRadius: 6 };

/** Sign-ups, logins and failed logins by day. For the eye only: the same figures stand in the table below. */
export default function DailyChart({ series }: { series: Day[] }) {
  return (
    <div className="chart" aria-hidden="true">
      <ResponsiveContainer>
        <LineChart data={series} accessibilityLayer={false} margin={{ left: -20, right: 8 }}>
          <CartesianGrid stroke="var(--line)" vertical={false} />
          <XAxis dataKey="date" tickFormatter={(date: string) => date.slice(5)} stroke="var(--line)" minTickGap={24} />
          <YAxis allowDecimals={false} stroke="var(--line)" />
          <Tooltip contentStyle={TOOLTIP} />
          <Legend itemSorter={null} />
          {LINES.map((line) => (
            <Line
              key={line.dataKey}
              {...line}
              legendType="plainline"
              strokeWidth={2}
              dot={false}
              isAnimationActive={false}
            />
          ))}
        </LineChart>
      </ResponsiveContainer>
    </div>
  );
}
