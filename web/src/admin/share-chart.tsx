import { Bar, BarChart, LabelList, ResponsiveContainer, XAxis, YAxis } from 'recharts';

/** How many bars there are at most: the largest. The table beside the chart has them all. */
const SHOWN = 8;
/** Pixels for each bar. */
const BAR = 36;
/** Characters of a name that fit before its bar. */
const FIT = 12;

/** How a number splits, largest part first. For the eye only: the same figures stand in the table below. */
export default function ShareChart({ parts }: { parts: Record<string, number> }) {
  const bars = Object.entries(parts)
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count)
    .slice(0, SHOWN);
  return (
    <div className="shares" aria-hidden="true">
      <ResponsiveContainer height={bars.length * BAR}>
        <BarChart data={bars} layout="vertical" accessibilityLayer={false} margin={{ right: 48, left: 0 }}>
          <XAxis type="number" hide />
          <YAxis
            type="category"
            dataKey="name"
            width={92}
            axisLine={false}
            tickLine={false}
            tickFormatter={(name: string) => (name.length > FIT ? `${name.slice(0, FIT - 1)}…` : name)}
          />
          <Bar
            dataKey="count"
            fill="var(--series-1)"
            barSize={18}
            radius={4}
            minPointSize={2}
            isAnimationActive={false}
          >
            <LabelList dataKey="count" position="right" />
          </Bar>
        </BarChart>
      </ResponsiveContainer>
    </div>
  );
}
