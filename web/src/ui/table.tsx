import type { ReactNode } from 'react';

interface TableProps {
  /** Read by screen readers only. */
  caption: string;
  columns: string[];
  rows: { key: string; cells: ReactNode[] }[];
  /** Shown in place of a table without rows. */
  empty: string;
}

/** A table that becomes a list of cards on a phone. The first column names its row. */
export function Table({ caption, columns, rows, empty }: TableProps) {
  if (rows.length === 0) return <p className="empty">{empty}</p>;
  return (
    <table>
      <caption className="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, cells: [first, ...others] }) => (
          <tr key={key}>
            <th scope="row">{first}</th>
            {others.map((cell, index) => (
              <td key={columns[index + 1]} data-column={columns[index + 1]}>
                {cell}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
