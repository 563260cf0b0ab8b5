import { CartesianGrid, Legend, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';

interface Day {
  date: string;
  signups: number;
  logins: number;
  failedLogins: number;
}

/** The dashes tell the lines apart without colour (WCAG 1.4.1). */
const LINES = [
  { dataKey: 'signups', name: 'Sign-ups', stroke: 'var(--series-1)' },
  { dataKey: 'logins', name: 'Logins', stroke: 'var(--series-2)', strokeDasharray: '6 3' },
  { dataKey: 'failedLogins', name: 'Failed logins', stroke: 'var(--series-3)', strokeDasharray: '2 3' },
] as const;

const TOOLTIP = { background: 'var(--card)', border: '1px solid var(--line)', borderRadius: 6 };

/** Hidden from screen readers: the table below has the same figures. */
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
