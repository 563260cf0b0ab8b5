import { Bar, BarChart, LabelList, ResponsiveContainer, XAxis, YAxis } from 'recharts';

/** The chart shows the largest parts only; the table below has all of them. */
const MAX_BARS = 8;
/** Pixels. */
const BAR_HEIGHT = 36;
/** Characters that fit in front of a bar. */
const MAX_LABEL_LENGTH = 12;

/** Largest part first. Hidden from screen readers: the table below has the same figures. */
export default function ShareChart({ parts }: { parts: Record<string, number> }) {
  const bars = Object.entries(parts)
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count)
    .slice(0, MAX_BARS);
  return (
    <div className="shares" aria-hidden="true">
      <ResponsiveContainer height={bars.length * BAR_HEIGHT}>
        <BarChart data={bars} layout="vertical" accessibilityLayer={false} margin={{ right: 48, left: 0 }}>
          <XAxis type="number" hide />
          <YAxis
            type="category"
            dataKey="name"
            width={92}
            axisLine={false}
            tickLine={false}
            tickFormatter={(name: string) =>
              name.length > MAX_LABEL_LENGTH ? `${name.slice(0, MAX_LABEL_LENGTH - 1)}…` : name
            }
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
